-- What the subsidies will cost, by the month in which the money is needed: claims under way, periods nobody has claimed
-- yet, beds registered or being built. People and beds as of today are carried forward; rosters go by a claim's own rules.
WITH today AS (
  SELECT CAST($period_end AS DATE) AS day, make_date(CAST(year(CAST($period_end AS DATE)) + 1 AS INTEGER), 12, 31) AS horizon
),
-- from where a claim stands to the money, by the time limits of the procedure; five working days are reckoned as a week
waits AS (
  SELECT state, CAST(ceil(days * 7 / 5.0) AS INTEGER) AS days
  FROM (VALUES
    ('paying', $subsidy_bank_days),
    ('approved', $subsidy_payment_days + $subsidy_bank_days),
    ('bounced', $subsidy_payment_days + $subsidy_bank_days),
    ('noticed', $subsidy_notice_days + $subsidy_payment_days + $subsidy_bank_days),
    ('verified', $subsidy_decision_days + $subsidy_notice_days + $subsidy_payment_days + $subsidy_bank_days),
    ('objected', $subsidy_objection_days + $subsidy_decision_days + $subsidy_notice_days + $subsidy_payment_days
                 + $subsidy_bank_days),
    ('checked', $subsidy_visit_days + $subsidy_decision_days + $subsidy_notice_days + $subsidy_payment_days + $subsidy_bank_days),
    ('submitted', $subsidy_check_days + $subsidy_visit_days + $subsidy_decision_days + $subsidy_notice_days
                  + $subsidy_payment_days + $subsidy_bank_days),
    ('incomplete', $subsidy_supplement_days + $subsidy_check_days + $subsidy_visit_days + $subsidy_decision_days
                   + $subsidy_notice_days + $subsidy_payment_days + $subsidy_bank_days)
  ) AS listed(state, days)
),
homes AS (
  SELECT organisations.organisation AS home, organisations.scope_district AS district,
         coalesce(organisations.filing = 'filed', false) AS filed,
         coalesce(list_contains($operating_subsidy_natures, organisations.nature), false) OR treated.alike AS operating,
         coalesce(list_contains($difficult_subsidy_natures, organisations.nature), false) OR treated.alike AS difficult,
         coalesce(list_contains($construction_subsidy_natures, organisations.nature), false) OR treated.alike AS construction
  FROM organisations,
       LATERAL (SELECT $subsidy_equal_treatment AND coalesce(list_contains($subsidy_equal_forms, organisations.form), false)
                       AS alike) AS treated
  WHERE organisations.active IS DISTINCT FROM false AND coalesce(organisations.state, '') <> 'closed'
),
live AS (
  SELECT *, first_day(period_start) AS first, first_day(period_end) AS last
  FROM subsidy_claims WHERE state NOT IN ('withdrawn', 'denied', 'refused', 'recovered')
),
-- the periods to reckon: every cycle of this year and the next, and those of claims that nobody has checked yet; who is in
-- hospital with no end known comes back today: of the days to come nothing is known
spans AS (
  SELECT '' AS home, '' AS task, CAST(first AS DATE) AS first,
         months_after(first, $subsidy_forecast_cycle_months) - 1 AS last, today.day AS back
  FROM today, unnest(generate_series(CAST($period_start AS TIMESTAMP), CAST(today.horizon AS TIMESTAMP),
                                     to_months(CAST($subsidy_forecast_cycle_months AS INTEGER)))) AS cycles(first)
  UNION ALL
  SELECT requester, task, first, last, today.day FROM live CROSS JOIN today
  WHERE state IN ('submitted', 'incomplete') AND subsidy <> 'construction' AND first <= last
),
-- common
levels AS (
  SELECT days.stay, days.last, max_by(CAST(ability_levels.level AS INTEGER),
                                      (first_day(ability_levels.assessed), ability_levels.observation)) AS level
  FROM days JOIN ability_levels ON ability_levels.resident = days.resident AND first_day(ability_levels.assessed) <= days.last
  GROUP BY days.stay, days.last
),
poor AS (
  SELECT DISTINCT days.stay, days.first
  FROM days JOIN hardships ON hardships.resident = days.resident AND hardships.status = 'active'
                          AND (hardships.ends IS NULL OR first_day(hardships.ends) >= days.first)
),
rows AS (
  SELECT days.institution AS home, days.task, days.first, days.last, days.began, days.until, levels.level,
         poor.stay IS NOT NULL AND CASE WHEN $difficult_subsidy_needs_both
           THEN has_completed(days.birth_date, $difficult_subsidy_age, days.last) AND coalesce(levels.level >= $difficult_subsidy_least_level, false)
           ELSE has_completed(days.birth_date, $difficult_subsidy_age, days.last) OR coalesce(levels.level >= $difficult_subsidy_least_level, false)
         END AS qualifies,
         days.counted
  FROM occupied AS days
  LEFT JOIN levels ON levels.stay = days.stay AND levels.last = days.last
  LEFT JOIN poor ON poor.stay = days.stay AND poor.first = days.first
),
-- all who live there (operating), and those in hardship or all, by what counts (difficult)
people AS (
  SELECT home, task, first, last, kind, counted, began, until, level
  FROM rows, LATERAL (VALUES ('all'), ('poor')) AS kinds(kind)
  WHERE kind = 'all' OR qualifies
),
sums AS (
  SELECT home, task, first, last, kind,
         CAST(sum(counted) AS DECIMAL(18, 0)) AS person_days,
         CAST(sum(CASE WHEN counted > 0 THEN date_diff('month', began, until + 1) ELSE 0 END) AS DECIMAL(18, 0)) AS month_ends,
         CAST(count(*) FILTER (counted > 0 AND until = last) AS DECIMAL(18, 0)) AS at_end,
         CAST(date_diff('day', first, last) + 1 AS DECIMAL(18, 0)) AS length,
         CAST(date_diff('month', first, last + 1) AS DECIMAL(18, 0)) AS ends,
         CAST(sum(counted * CASE level WHEN 1 THEN $difficult_subsidy_level_1 WHEN 2 THEN $difficult_subsidy_level_2
                                       WHEN 3 THEN $difficult_subsidy_level_3 WHEN 4 THEN $difficult_subsidy_level_4
                                       ELSE $difficult_subsidy_level_0 END) AS DECIMAL(30, 4)) AS graded
  FROM people GROUP BY home, task, first, last, kind
),
counts AS (
  SELECT *, round(CASE $operating_subsidy_counting
                    WHEN 'average' THEN CAST(person_days AS DECIMAL(38, 12)) / length
                    WHEN 'month-end' THEN CASE WHEN ends > 0 THEN CAST(month_ends AS DECIMAL(38, 12)) / ends ELSE 0 END
                    ELSE at_end END, 4) AS counted_beds
  FROM sums
),
operating AS (
  SELECT one.home, one.task, one.first, one.last, 'operating' AS subsidy, one.length,
         CASE WHEN $operating_subsidy_cap > 0 THEN least(net.beds, $operating_subsidy_cap) ELSE net.beds END AS beds, NULL AS in_full
  FROM counts AS one
  LEFT JOIN counts AS other ON other.kind = 'poor' AND other.home = one.home AND other.task = one.task
                           AND other.first = one.first AND other.last = one.last,
       LATERAL (SELECT one.counted_beds - CASE WHEN $difficult_subsidy_relation = 'replaces'
                                               THEN coalesce(other.counted_beds, 0) ELSE 0 END AS beds) AS net
  WHERE one.kind = 'all'
),
difficult AS (
  SELECT home, task, first, last, 'difficult' AS subsidy, length,
         least(occupied, $difficult_subsidy_cap) AS beds,
         graded / $operating_subsidy_days
           * CASE WHEN occupied > $difficult_subsidy_cap THEN $difficult_subsidy_cap / occupied ELSE 1 END AS in_full
  FROM (SELECT *, round(CAST(person_days AS DECIMAL(38, 12)) / length, 4) AS occupied FROM sums
        WHERE kind = CASE $difficult_subsidy_counts WHEN 'all' THEN 'all' ELSE 'poor' END) AS found
),
-- the change of residents that the office expects, from today to the middle of the period
reckoned AS (
  SELECT found.*, beds * factor AS forecast_beds,
         round(coalesce(in_full, beds * $operating_subsidy_rate * length / $operating_subsidy_days) * factor, 2) AS amount
  FROM (SELECT home, task, first, last, subsidy, length, CAST(beds AS DOUBLE) AS beds, CAST(NULL AS DOUBLE) AS in_full FROM operating
        UNION ALL
        SELECT home, task, first, last, subsidy, length, CAST(beds AS DOUBLE), CAST(in_full AS DOUBLE) FROM difficult) AS found,
       today,
       LATERAL (SELECT 1 + $subsidy_forecast_change / 100.0
                           * greatest(date_diff('day', today.day, first + CAST(length / 2 AS INTEGER)), 0) / 365 AS factor) AS grown
),
residence AS (
  SELECT reckoned.home, reckoned.subsidy, CASE WHEN reckoned.last < today.day THEN 'accrued' ELSE 'residents' END AS basis,
         '' AS number, reckoned.first, reckoned.last, greatest(reckoned.last + 1, today.day) + waits.days AS needed,
         reckoned.forecast_beds AS beds,
         CASE WHEN homes.filed AND NOT taken.partly THEN reckoned.amount END AS amount,
         CASE WHEN NOT homes.filed THEN 'filing' WHEN taken.partly THEN 'partly'
              WHEN year(reckoned.last) > year(today.day) THEN 'rate' END AS unknown
  FROM reckoned
  JOIN homes ON homes.home = reckoned.home AND CASE reckoned.subsidy WHEN 'operating' THEN homes.operating ELSE homes.difficult END
  CROSS JOIN today
  JOIN waits ON waits.state = 'submitted',
       LATERAL (SELECT count(*) > 0 AS partly, coalesce(bool_or(live.first <= reckoned.first AND live.last >= reckoned.last), false) AS wholly
                FROM live WHERE live.requester = reckoned.home AND live.subsidy = reckoned.subsidy
                            AND live.first <= reckoned.last AND live.last >= reckoned.first) AS taken
  WHERE reckoned.task = '' AND reckoned.beds > 0 AND NOT taken.wholly
),
claimed AS (
  SELECT live.requester AS home, live.subsidy, CASE WHEN live.amount IS NULL THEN 'claimed' ELSE 'claim' END AS basis, live.number,
         live.first, live.last, today.day + waits.days AS needed,
         coalesce(CAST(live.beds_counted AS DOUBLE), reckoned.forecast_beds) AS beds,
         CASE WHEN live.state <> 'appealed' THEN coalesce(CAST(live.amount AS DOUBLE), CASE WHEN homes.filed THEN reckoned.amount END) END AS amount,
         CASE WHEN live.state = 'appealed' THEN 'appeal' WHEN live.amount IS NULL AND NOT homes.filed THEN 'filing' END AS unknown
  FROM live
  JOIN homes ON homes.home = live.requester
  CROSS JOIN today
  LEFT JOIN waits ON waits.state = live.state
  LEFT JOIN reckoned ON reckoned.task = live.task AND reckoned.subsidy = live.subsidy
  WHERE (waits.state IS NOT NULL OR live.state = 'appealed')
    AND NOT (live.subsidy = 'construction' AND live.state IN ('submitted', 'incomplete'))
),
-- beds in use or being built, less those of every claim: first from those of their kind, then from those of no kind
register AS (
  SELECT beds.institution AS home,
         count(*) FILTER (beds.built = 'new') AS new_beds, count(*) FILTER (beds.built = 'converted') AS converted_beds,
         count(*) FILTER (beds.built IS NULL) AS unmarked
  FROM beds, today
  WHERE beds.status = 'active' AND coalesce(first_day(beds.accepted_on) <= today.day, true)
  GROUP BY beds.institution
),
asked AS (
  SELECT requester AS home, sum(coalesce(beds_new, 0)) AS new_beds, sum(coalesce(beds_converted, 0)) AS converted_beds,
         coalesce(sum(coalesce(beds_new, 0)) FILTER (state NOT IN ('submitted', 'incomplete')), 0) AS new_before,
         coalesce(sum(coalesce(beds_converted, 0)) FILTER (state NOT IN ('submitted', 'incomplete')), 0) AS converted_before
  FROM live WHERE subsidy = 'construction' GROUP BY requester
),
spare AS (
  SELECT register.home, greatest(register.new_beds - coalesce(asked.new_beds, 0), 0) AS new_beds,
         greatest(register.converted_beds - coalesce(asked.converted_beds, 0), 0) AS converted_beds,
         greatest(register.unmarked - greatest(coalesce(asked.new_beds, 0) - register.new_beds, 0)
                                    - greatest(coalesce(asked.converted_beds, 0) - register.converted_beds, 0), 0) AS unmarked
  FROM register LEFT JOIN asked ON asked.home = register.home
),
builds AS (
  SELECT live.requester AS home, 'claimed' AS basis, 0 AS turn, kinds.built,
         CASE kinds.built WHEN 'new' THEN coalesce(live.beds_new, 0) ELSE coalesce(live.beds_converted, 0) END AS beds,
         today.day AS ready, waits.days AS wait, live.number
  FROM live CROSS JOIN today CROSS JOIN (VALUES ('new'), ('converted')) AS kinds(built)
  JOIN waits ON waits.state = live.state
  WHERE live.subsidy = 'construction' AND live.state IN ('submitted', 'incomplete')
  UNION ALL
  SELECT spare.home, 'built', 1, kinds.built,
         CASE kinds.built WHEN 'new' THEN spare.new_beds WHEN 'converted' THEN spare.converted_beds ELSE spare.unmarked END,
         today.day, waits.days, ''
  FROM spare CROSS JOIN today CROSS JOIN (VALUES ('new'), ('converted'), ('')) AS kinds(built)
  JOIN waits ON waits.state = 'submitted'
  UNION ALL
  SELECT beds.institution, 'planned', 2, coalesce(beds.built, ''), count(*), first_day(beds.accepted_on), any_value(waits.days), ''
  FROM beds CROSS JOIN today
  JOIN waits ON waits.state = 'submitted'
  WHERE beds.status IN ('active', 'suspended') AND first_day(beds.accepted_on) > today.day
  GROUP BY beds.institution, coalesce(beds.built, ''), first_day(beds.accepted_on)
),
queued AS (
  SELECT builds.*, homes.filed,
         CASE WHEN $bed_construction_cap_shared THEN coalesce(asked.new_before, 0) + coalesce(asked.converted_before, 0)
              WHEN builds.built = 'new' THEN coalesce(asked.new_before, 0) ELSE coalesce(asked.converted_before, 0) END AS before,
         coalesce(asked.new_before, 0) + coalesce(asked.converted_before, 0) > 0 AS had,
         coalesce(sum(CASE WHEN builds.built = '' THEN 0 ELSE builds.beds END)
                    OVER (PARTITION BY builds.home, CASE WHEN $bed_construction_cap_shared THEN '' ELSE builds.built END
                          ORDER BY builds.turn, builds.ready, builds.number, builds.built DESC
                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS ahead
  FROM builds
  JOIN homes ON homes.home = builds.home AND homes.construction
  LEFT JOIN asked ON asked.home = builds.home
  WHERE builds.beds > 0
),
construction AS (
  SELECT home, 'construction' AS subsidy, basis, number, CAST(NULL AS DATE) AS first,
         CASE WHEN basis = 'planned' THEN ready END AS last,
         CASE WHEN built <> '' OR basis = 'planned' THEN ready + wait END AS needed,
         CAST(CASE WHEN built = '' THEN queued.beds ELSE within.beds END AS DOUBLE) AS beds,
         CASE WHEN filed AND built <> ''
              THEN CAST(within.beds * CASE built WHEN 'new' THEN $bed_construction_new ELSE $bed_construction_converted END AS DOUBLE) END AS amount,
         CASE WHEN NOT filed THEN 'filing' WHEN built = '' THEN 'built'
              WHEN year(ready + wait) > year(today.day) THEN 'rate' END AS unknown
  FROM queued CROSS JOIN today,
       LATERAL (SELECT CASE WHEN had AND NOT $bed_construction_expansion THEN 0
                            ELSE greatest(least(queued.beds, $bed_construction_cap - before - ahead), 0) END AS beds) AS within
  WHERE built = '' OR within.beds > 0
)
SELECT found.home AS subject, homes.district, found.subsidy, found.basis,
       nullif(found.number, '') AS number,
       CASE WHEN found.first IS NOT NULL THEN strftime(found.first, '%Y-%m') || '—' || strftime(found.last, '%Y-%m')
            WHEN found.last IS NOT NULL THEN strftime(found.last, '%Y-%m-%d') END AS period,
       strftime(found.needed, '%Y-%m') AS month, round(found.beds, 2) AS beds, found.amount, found.unknown
FROM (SELECT * FROM residence UNION ALL SELECT * FROM claimed UNION ALL SELECT * FROM construction) AS found
JOIN homes ON homes.home = found.home
CROSS JOIN today
WHERE found.needed IS NULL OR found.needed <= today.horizon
