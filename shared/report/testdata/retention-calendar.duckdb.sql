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
  SELECT x.person AS person, x.t AS t, row_number() OVER (PARTITION BY x.person ORDER BY x.t, x.received, x.insert_id, x.event) AS place, (x.event = 'Sign Up' AND (x.t >= 1792447200000 AND x.t < 1793401200000)) AS is_first, x.kind IN ('event', 'page', 'screen') AS is_then, (((x.t + CASE WHEN x.t < 1792890000000 THEN 7200000 ELSE 3600000 END) // 86400000) - 20746) AS cohort, (((x.t + CASE WHEN x.t < 1792890000000 THEN 7200000 ELSE 3600000 END) // 86400000) - 20746) AS slot
  FROM (
    SELECT n.number AS person, r.event AS event, r.kind AS kind, r.t AS t, r.received AS received, r.insert_id AS insert_id
    FROM rows r
    LEFT JOIN numbers n ON n.person = r.person
  ) x
),
joined AS (
  SELECT person, cohort, min(slot) AS slot, min(t) AS t, min(place) AS place
  FROM scan
  WHERE is_first
  GROUP BY person, cohort
),
visits AS (
  SELECT person, slot, min(t) AS earliest, max(t) AS latest, max(place) AS place
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
    JOIN visits v ON v.person = j.person AND v.slot >= j.slot AND v.place > j.place AND v.slot <= j.slot + 14
  ) r
  WHERE step <= 13
  GROUP BY cohort, person, step
) u
GROUP BY cohort, step
