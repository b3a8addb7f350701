//! Usage of a key in a plan (rest-admin-api §3.13): what was used and what remains, day by day.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stagecoach_base::{AwsError, UnixMillis};
use time::{Date, Duration, OffsetDateTime, macros::format_description};

use super::usage_plan::{QuotaSettings, UsagePlan};
use crate::Document;
use crate::input::Constraints;
use crate::patch::{self, Family, Op, PatchOperation, Row};

/// Days that one call may ask for [D].
const MOST_DAYS: i64 = 90;

/// What is kept of a key in a plan. Nothing counts requests yet, so that every day is as it was created: unused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// `YYYY-MM-DD` → requests.
    #[serde(default)]
    pub used: BTreeMap<String, i64>,
    /// The last UpdateUsage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
}

/// A remaining quota set by hand; it counts until its period ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The day it was set.
    pub date: String,
    /// Requests that remained then.
    pub remaining: i64,
    /// Requests of the period that were used before.
    pub used_before: i64,
}

impl Document for Usage {
    const KIND: &'static str = "usage";
}

/// The days of a call, first and last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// First.
    pub start: Date,
    /// Last.
    pub end: Date,
}

/// Reads `startDate` and `endDate`; AWS's texts are not known.
///
/// # Errors
/// `ValidationException` for an absent date, 400 for one that is none, for a range that ends before it begins, and for one
/// that is too long.
pub fn days(start: Option<&str>, end: Option<&str>) -> Result<Days, AwsError> {
    let mut constraints = Constraints::of("GetUsage");
    constraints.required("startDate", start.is_some());
    constraints.required("endDate", end.is_some());
    constraints.check()?;
    let (start, end) = (read(start.unwrap_or_default())?, read(end.unwrap_or_default())?);
    if end < start {
        return Err(AwsError::bad_request("Invalid date range specified: endDate is before startDate"));
    }
    if (end - start).whole_days() > MOST_DAYS {
        return Err(AwsError::bad_request(format!("Invalid date range specified: at most {MOST_DAYS} days")));
    }
    Ok(Days { start, end })
}

fn read(text: &str) -> Result<Date, AwsError> {
    let invalid =
        |_| AwsError::bad_request(format!("Invalid date specified: {text}. Must be in the format YYYY-MM-DD"));
    Date::parse(text, format_description!("[year]-[month]-[day]")).map_err(invalid)
}

/// The day of an instant, UTC.
pub fn day(at: UnixMillis) -> Date {
    OffsetDateTime::from_unix_timestamp(at.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH).date()
}

/// The days of `quota`'s period until `today`.
pub fn current(quota: Option<&QuotaSettings>, today: Date) -> Days {
    Days { start: quota.map_or(today, |quota| period_start(quota, today)), end: today }
}

/// When the period of `day` began.
fn period_start(quota: &QuotaSettings, day: Date) -> Date {
    let back = match quota.period.as_deref() {
        Some("WEEK") => (i64::from(day.weekday().number_days_from_sunday()) - quota.offset).rem_euclid(7),
        Some("MONTH") => {
            let into_month = i64::from(day.day()) - 1 - quota.offset;
            match into_month < 0 {
                true => {
                    into_month + i64::from(day.replace_day(1).ok().and_then(Date::previous_day).unwrap_or(day).day())
                }
                false => into_month,
            }
        }
        _ => 0,
    };
    day.checked_sub(Duration::days(back)).unwrap_or(day)
}

impl Usage {
    /// `[used, remaining]` for each day. Without a quota, what remains is -1, which elsewhere in this API means unlimited;
    /// what AWS says then is not known.
    fn pairs(&self, quota: Option<&QuotaSettings>, days: Days) -> Vec<[i64; 2]> {
        let all = std::iter::successors(Some(days.start), |day| day.next_day()).take_while(|day| *day <= days.end);
        all.map(|day| [self.used.get(&day.to_string()).copied().unwrap_or_default(), self.remaining(quota, day)])
            .collect()
    }

    fn remaining(&self, quota: Option<&QuotaSettings>, day: Date) -> i64 {
        let Some((quota, limit)) = quota.and_then(|quota| Some((quota, quota.limit?))) else { return -1 };
        let (start, end) = (period_start(quota, day).to_string(), day.to_string());
        let used: i64 = self.used.range(start.clone()..=end.clone()).map(|(_, used)| used).sum();
        // Dates of this form sort as text.
        let grant = self.grant.as_ref().filter(|grant| (start..=end).contains(&grant.date));
        let remaining = grant.map_or(limit - used, |grant| grant.remaining - (used - grant.used_before));
        remaining.max(0)
    }

    /// Sets what remains of the period of `today`.
    fn set_remaining(&mut self, remaining: i64, quota: &QuotaSettings, today: Date) {
        let (start, end) = (period_start(quota, today).to_string(), today.to_string());
        let used_before = self.used.range(start..=end.clone()).map(|(_, used)| used).sum();
        self.grant = Some(Grant { date: end, remaining, used_before });
    }
}

/// Applies UpdateUsage.
///
/// # Errors
/// 400 for another path, for what is no number, and for a plan without a quota; AWS's texts are not known.
pub fn patch(usage: &Usage, operations: &[PatchOperation], plan: &UsagePlan, today: Date) -> Result<Usage, AwsError> {
    let quota = plan.quota.clone().filter(|quota| quota.limit.is_some());
    patch::apply(usage, operations, TABLE, Family::A, &Context { plan: plan.id.clone(), quota, today })
}

struct Context {
    plan: String,
    quota: Option<QuotaSettings>,
    today: Date,
}

const TABLE: &[Row<Usage, Context>] = &[Row {
    path: "/remaining",
    ops: &[Op::Replace],
    apply: |usage, change, context| {
        let value = change.value.unwrap_or("null");
        let remaining = value.parse().ok().filter(|remaining| *remaining >= 0);
        let remaining: i64 =
            remaining.ok_or_else(|| AwsError::bad_request(format!("Invalid remaining quota specified: {value}")))?;
        let missing = || AwsError::bad_request(format!("Usage Plan {} has no quota", context.plan));
        usage.set_remaining(remaining, context.quota.as_ref().ok_or_else(missing)?, context.today);
        Ok(())
    },
}];

/// The answer of GetUsage and UpdateUsage. `position` is that of the next page of keys.
pub fn show<'a>(
    plan: &UsagePlan,
    days: Days,
    keys: impl Iterator<Item = (&'a str, &'a Usage)>,
    position: Option<String>,
) -> Value {
    let values: serde_json::Map<String, Value> =
        keys.map(|(key, usage)| (key.to_owned(), json!(usage.pairs(plan.quota.as_ref(), days)))).collect();
    let mut shown =
        json!({ "usagePlanId": plan.id, "startDate": days.start.to_string(), "endDate": days.end.to_string() });
    if let Some(position) = position {
        shown["position"] = position.into();
    }
    shown["values"] = values.into();
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(period: &str, offset: i64) -> QuotaSettings {
        QuotaSettings { limit: Some(10), offset, period: Some(period.into()) }
    }

    fn plan(quota: Option<QuotaSettings>) -> UsagePlan {
        let plan = crate::v1::usage_plan::create(&json!({ "name": "x" }), "p1".into()).unwrap();
        UsagePlan { quota, ..plan }
    }

    fn date(text: &str) -> Date {
        read(text).unwrap()
    }

    fn set(remaining: &str) -> PatchOperation {
        let (path, value) = (Some("/remaining".into()), Some(remaining.into()));
        PatchOperation { op: Op::Replace, path, value, from: None }
    }

    #[test]
    fn every_day_has_a_pair_and_unused_days_have_the_whole_quota_rest_admin_3_13() {
        let days = days(Some("2016-08-16"), Some("2016-08-17")).unwrap();

        let shown = show(&plan(Some(quota("DAY", 0))), days, [("k1", &Usage::default())].into_iter(), None);

        assert_eq!(
            shown.to_string(),
            r#"{"usagePlanId":"p1","startDate":"2016-08-16","endDate":"2016-08-17","values":{"k1":[[0,10],[0,10]]}}"#
        );
    }

    #[test]
    fn what_was_used_counts_until_the_period_ends() {
        let used = [("2026-03-07".to_owned(), 3), ("2026-03-08".to_owned(), 4)].into();
        let usage = Usage { used, grant: None };
        let days = days(Some("2026-03-07"), Some("2026-03-09")).unwrap();

        // The eighth of March 2026 is a Sunday.
        assert_eq!(usage.pairs(Some(&quota("WEEK", 0)), days), [[3, 7], [4, 6], [0, 6]]);
        assert_eq!(usage.pairs(Some(&quota("MONTH", 0)), days), [[3, 7], [4, 3], [0, 3]]);
        assert_eq!(usage.pairs(Some(&quota("DAY", 0)), days), [[3, 7], [4, 6], [0, 10]]);
        assert_eq!(usage.pairs(None, days), [[3, -1], [4, -1], [0, -1]]);
    }

    #[test]
    fn periods_begin_at_their_offset() {
        assert_eq!(period_start(&quota("WEEK", 1), date("2026-03-08")), date("2026-03-02"));
        assert_eq!(period_start(&quota("MONTH", 9), date("2026-03-09")), date("2026-02-10"));
        assert_eq!(period_start(&quota("MONTH", 9), date("2026-03-10")), date("2026-03-10"));
        assert_eq!(period_start(&quota("MONTH", 27), date("2026-01-01")), date("2025-12-28"));
    }

    #[test]
    fn a_remaining_quota_set_by_hand_holds_for_its_period_only() {
        let plan = plan(Some(quota("MONTH", 0)));

        let usage = patch(&Usage::default(), &[set("50")], &plan, date("2026-03-30")).unwrap();

        let days = days(Some("2026-03-29"), Some("2026-04-01")).unwrap();
        assert_eq!(usage.pairs(plan.quota.as_ref(), days), [[0, 10], [0, 50], [0, 50], [0, 10]]);
    }

    #[test]
    fn remaining_quotas_that_are_none_are_refused() {
        let today = date("2026-03-30");

        for value in ["-1", "x", ""] {
            assert!(patch(&Usage::default(), &[set(value)], &plan(Some(quota("DAY", 0))), today).is_err());
        }
        assert!(patch(&Usage::default(), &[set("1")], &plan(None), today).is_err());
    }

    #[test]
    fn dates_that_are_none_and_ranges_that_end_early_or_late_are_refused() {
        for (start, end) in
            [("2026-02-30", "2026-03-01"), ("x", "y"), ("2026-03-02", "2026-03-01"), ("2026-01-01", "2026-04-02")]
        {
            assert_eq!(days(Some(start), Some(end)).unwrap_err().code().status(), 400, "{start} {end}");
        }
        assert!(days(Some("2026-01-01"), Some("2026-04-01")).is_ok());
        assert!(days(None, None).unwrap_err().message().starts_with("2 validation errors detected"));
    }
}
