//! Velocity templates in API Gateway's dialect, and JSONPath in Jayway's.
