//! Document trees to snapshots, with the problems a deploy must refuse.
