WITH scan AS (
  WITH rows AS (
    SELECT x.*
    FROM (
      SELECT e.person_id AS person, e.event AS event, e.kind AS kind, epoch_ms(e."time") AS t, epoch_ms(e.received_time) AS received, e.insert_id AS insert_id
      FROM events e
      WHERE e."date" BETWEEN DATE '2026-10-19' AND DATE '2026-11-12'
        AND (e."time" >= TIMESTAMP '2026-10-19 22:00:00.000' AND e."time" < TIMESTAMP '2026-11-12 23:00:00.000')
        AND NOT e.is_bot
        AND (e.kind IN ('event', 'page', 'screen') OR e.event IN ('Sign Up'))
    ) x
    WHERE x.person IS NOT NULL
      AND ((x.event = 'Sign Up' AND (x.t >= 1792447200000 AND x.t < 1793401200000)) OR x.kind IN ('event', 'page', 'screen'))
  ),
  numbers AS (
    SELECT person, row_number() OVER () AS number
    FROM (
      SELECT person
      FROM rows
      WHERE person IS NOT NULL
      GROUP BY person
    ) p
  )
  SELECT x.person AS person, x.t AS t, x.received AS o0, x.insert_id AS o1, x.event AS o2, (x.event = 'Sign Up' AND (x.t >= 1792447200000 AND x.t < 1793401200000)) AS is_first, x.kind IN ('event', 'page', 'screen') AS is_then, (((x.t + CASE WHEN x.t < 1792890000000 THEN 7200000 ELSE 3600000 END) // 86400000) - 20746) AS cohort, (((x.t + CASE WHEN x.t < 1792890000000 THEN 7200000 ELSE 3600000 END) // 86400000) - 20746) AS slot
  FROM (
    SELECT n.number AS person, r.event AS event, r.kind AS kind, r.t AS t, r.received AS received, r.insert_id AS insert_id
    FROM rows r
    LEFT JOIN numbers n ON n.person = r.person
  ) x
),
moments AS (
  SELECT person, cohort, min(slot) AS slot, min(t) AS t
  FROM scan
  WHERE is_first
  GROUP BY person, cohort
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
  SELECT cohort, step
  FROM (
    SELECT j.person AS person, j.cohort AS cohort, v.slot - j.slot AS step
    FROM joined j
    JOIN visits v ON v.person = j.person AND v.slot >= j.slot AND (v.latest > j.t OR v.slot = j.slot AND j.again) AND v.slot <= j.slot + 14
  ) r
  WHERE step <= 13
  GROUP BY cohort, person, step
) u
GROUP BY cohort, step
