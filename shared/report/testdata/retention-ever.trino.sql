WITH scan AS (
  SELECT x.person AS person, x.t AS t, x.received AS o0, x.insert_id AS o1, x.event AS o2, (x.event = 'Sign Up' AND x.t < 1793401200000) AS is_first, ((x.event = 'Purchase' AND coalesce(x.p1 > 1E+01, FALSE)) AND x.t >= 1790805600000) AS is_then, (((((x.t + CASE WHEN x.t < 1792890000000 THEN 7200000 ELSE 3600000 END) / 86400000) + 4) / 7) - 2961) AS cohort, (((((x.t + CASE WHEN x.t < 1792890000000 THEN 7200000 ELSE 3600000 END) / 86400000) + 4) / 7) - 2961) AS slot
  FROM (
    SELECT e."country" AS p0, e.person_id AS person, e.event AS event, e."revenue" AS p1, date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00.000', e."time") AS t, date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00.000', e.received_time) AS received, e.insert_id AS insert_id
    FROM events e
    WHERE e."date" BETWEEN DATE '1970-12-31' AND DATE '2201-01-30'
      AND (e."time" >= TIMESTAMP '1970-12-31 23:00:00.000' AND e."time" < TIMESTAMP '2201-01-30 23:00:00.000')
      AND NOT e.is_bot
      AND e.event IN ('Sign Up', 'Purchase')
  ) x
  WHERE x.person IS NOT NULL
    AND (NOT coalesce(x.p0 = 'DE', FALSE))
    AND ((x.event = 'Sign Up' AND x.t < 1793401200000) OR ((x.event = 'Purchase' AND coalesce(x.p1 > 1E+01, FALSE)) AND x.t >= 1790805600000))
),
moments AS (
  SELECT person, min(cohort) AS cohort, min(slot) AS slot, min(t) AS t
  FROM scan
  WHERE is_first
  GROUP BY person
  HAVING (min(t) >= 1790805600000 AND min(t) < 1793401200000)
),
joined AS (
  SELECT person, cohort, slot, t, coalesce(max(place) FILTER (WHERE is_then) > min(place) FILTER (WHERE is_first), FALSE) AS again
  FROM (
    SELECT m.person AS person, m.cohort AS cohort, m.slot AS slot, m.t AS t, s.is_first AS is_first, s.is_then AS is_then, row_number() OVER (PARTITION BY m.person, m.t ORDER BY s.o0, s.o1, s.o2) AS place
    FROM scan s
    JOIN moments m ON m.person = s.person AND m.t = s.t
  ) r
  GROUP BY person, cohort, slot, t
),
visits AS (
  SELECT person, slot, min(t) AS earliest, max(t) AS latest
  FROM scan
  WHERE is_then
  GROUP BY person, slot
)
SELECT cohort, CAST(NULL AS BIGINT) AS step, count(*) AS persons
FROM joined
GROUP BY cohort
UNION ALL
SELECT cohort, step, count(*) AS persons
FROM (
  SELECT cohort, least(max(step), 3) AS step
  FROM (
    SELECT j.person AS person, j.cohort AS cohort, v.slot - j.slot AS step
    FROM joined j
    JOIN visits v ON v.person = j.person AND v.slot >= j.slot AND (v.latest > j.t OR v.slot = j.slot AND j.again)
  ) r
  GROUP BY cohort, person
) u
GROUP BY cohort, step
