WITH days AS (
  SELECT person, cohort, slot, min(t) FILTER (WHERE is_first) AS t, min(t) FILTER (WHERE is_then) AS earliest, max(t) FILTER (WHERE is_then) AS latest, count(*) FILTER (WHERE is_first AND is_then) AS doubles, min(t) FILTER (WHERE is_first AND NOT is_then) AS first_alone, max(t) FILTER (WHERE is_then AND NOT is_first) AS then_alone
  FROM (SELECT x.person AS person, x.t AS t, coalesce((x.event = 'Sign Up' AND (x.t >= 1792447200000 AND x.t < 1793401200000)), FALSE) AS is_first, coalesce(x.kind IN ('event', 'page', 'screen'), FALSE) AS is_then, (((x.t + CASE WHEN x.t < 1792890000000 THEN 7200000 ELSE 3600000 END) / 86400000) - 20746) AS cohort, (((x.t + CASE WHEN x.t < 1792890000000 THEN 7200000 ELSE 3600000 END) / 86400000) - 20746) AS slot
  FROM (
    SELECT e.person_id AS person, e.event AS event, e.kind AS kind, date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00.000', e."time") AS t
    FROM events e
    WHERE e."date" BETWEEN DATE '2026-10-19' AND DATE '2026-11-12'
      AND (e."time" >= TIMESTAMP '2026-10-19 22:00:00.000' AND e."time" < TIMESTAMP '2026-11-12 23:00:00.000')
      AND NOT e.is_bot
      AND (e.kind IN ('event', 'page', 'screen') OR e.event IN ('Sign Up'))
  ) x
  WHERE x.person IS NOT NULL
    AND ((x.event = 'Sign Up' AND (x.t >= 1792447200000 AND x.t < 1793401200000)) OR x.kind IN ('event', 'page', 'screen'))) s
  GROUP BY person, cohort, slot
),
moments AS (
  SELECT person, cohort, slot, t, (latest = t AND doubles > 1) AS again, (latest = t AND doubles < 2 AND (coalesce(then_alone = t, FALSE) OR coalesce(first_alone = t, FALSE))) AS tie
  FROM days
  WHERE t IS NOT NULL
),
tied AS (
  SELECT person, t, coalesce(max(place) FILTER (WHERE is_then) > min(place) FILTER (WHERE is_first), FALSE) AS again
  FROM (
    SELECT m.person AS person, m.t AS t, s.is_first AS is_first, s.is_then AS is_then, row_number() OVER (PARTITION BY m.person, m.t ORDER BY s.o0, s.o1, s.o2) AS place
    FROM (SELECT x.person AS person, x.t AS t, coalesce((x.event = 'Sign Up' AND (x.t >= 1792447200000 AND x.t < 1793401200000)), FALSE) AS is_first, coalesce(x.kind IN ('event', 'page', 'screen'), FALSE) AS is_then, x.received AS o0, x.insert_id AS o1, x.event AS o2
    FROM (
      SELECT e.person_id AS person, e.event AS event, e.kind AS kind, date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00.000', e."time") AS t, date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00.000', e.received_time) AS received, e.insert_id AS insert_id
      FROM events e
      WHERE e."date" BETWEEN DATE '2026-10-19' AND DATE '2026-11-12'
        AND (e."time" >= TIMESTAMP '2026-10-19 22:00:00.000' AND e."time" < TIMESTAMP '2026-11-12 23:00:00.000')
        AND NOT e.is_bot
        AND (e.kind IN ('event', 'page', 'screen') OR e.event IN ('Sign Up'))
    ) x
    WHERE x.person IS NOT NULL
      AND ((x.event = 'Sign Up' AND (x.t >= 1792447200000 AND x.t < 1793401200000)) OR x.kind IN ('event', 'page', 'screen'))) s
    JOIN (SELECT person, t FROM moments WHERE tie) m ON m.person = s.person AND m.t = s.t
  ) r
  GROUP BY person, t
),
joined AS (
  SELECT m.person AS person, m.cohort AS cohort, m.slot AS slot, m.t AS t, coalesce(k.again, m.again, FALSE) AS again
  FROM moments m
  LEFT JOIN tied k ON k.person = m.person AND k.t = m.t
),
visits AS (
  SELECT person, slot, earliest, latest
  FROM days
  WHERE latest IS NOT NULL
)
SELECT cohort, step, count(*) AS persons
FROM (
  SELECT cohort, step
  FROM (
    SELECT j.person AS person, j.cohort AS cohort, v.slot - j.slot AS step
    FROM joined j
    CROSS JOIN (VALUES (0), (1)) w(back)
    LEFT JOIN (SELECT *, 1 AS back FROM visits) v ON v.back = w.back AND v.person = j.person AND v.slot >= j.slot AND (v.latest > j.t OR v.slot = j.slot AND j.again) AND v.slot <= j.slot + 14
    WHERE (w.back = 0 OR v.slot IS NOT NULL)
  ) r
  WHERE (step IS NULL OR step <= 13)
  GROUP BY cohort, person, step
) u
GROUP BY cohort, step
