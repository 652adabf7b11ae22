WITH scan AS (
  WITH rows AS (
    SELECT x.*
    FROM (
      SELECT e.event AS event, e.kind AS kind, e.person_id AS person, epoch_ms(e."time") AS t, e."country" AS p0, epoch_ms(e.received_time) AS received, e.insert_id AS insert_id, e."channel" AS p1
      FROM events e
      WHERE e."date" BETWEEN DATE '2026-10-31' AND DATE '2026-12-07'
        AND (e."time" >= TIMESTAMP '2026-10-31 23:00:00.000' AND e."time" < TIMESTAMP '2026-12-07 23:00:00.001')
        AND NOT e.is_bot
        AND e.person_id IS NOT NULL
        AND (e.kind IN ('event', 'page', 'screen') OR e.event IN ('Page View', 'Sign Up'))
    ) x
    WHERE (x.event = 'Page View' OR x.event = 'Sign Up' OR x.kind IN ('event', 'page', 'screen') OR x.kind IN ('event', 'page', 'screen'))
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
  SELECT x.event = 'Page View' AS m0, x.event = 'Sign Up' AS m1, x.kind IN ('event', 'page', 'screen') AS m2, x.person AS person, x.t AS t, CASE WHEN x.p0 IS NULL THEN 't(not set)' WHEN x.p0 = '' THEN 't(empty)' ELSE 't' || x.p0 END AS g0, row_number() OVER (PARTITION BY x.person ORDER BY x.t, CASE WHEN x.event = 'Page View' THEN 0 ELSE CASE WHEN x.event = 'Sign Up' THEN 1 ELSE CASE WHEN x.kind IN ('event', 'page', 'screen') THEN 2 ELSE 3 END END END, x.received, x.insert_id, x.event) AS place, CASE WHEN x.p1 IS NULL THEN 't(not set)' WHEN x.p1 = '' THEN 't(empty)' ELSE 't' || x.p1 END AS k0
  FROM (
    SELECT r.event AS event, r.kind AS kind, n.number AS person, r.t AS t, r.p0 AS p0, r.received AS received, r.insert_id AS insert_id, r.p1 AS p1
    FROM rows r
    LEFT JOIN numbers n ON n.person = r.person
  ) x
),
attempts AS (
  SELECT *, CASE WHEN NOT coalesce(t2 - t <= 604800000, FALSE) THEN 1 WHEN NOT coalesce(t3 - t <= 604800000, FALSE) THEN 2 ELSE 3 END AS reached
  FROM (
    SELECT person, place, t, CASE WHEN a2 THEN u2 END AS t2, CASE WHEN (a2 AND a3) THEN u3 END AS t3, k0
    FROM (
      SELECT person, place, t, m0, k0, (lead(m1, 1) OVER (PARTITION BY person ORDER BY place) AND lead(g0, 1) OVER (PARTITION BY person ORDER BY place) = g0) AS a2, lead(t, 1) OVER (PARTITION BY person ORDER BY place) AS u2, (lead(m2, 2) OVER (PARTITION BY person ORDER BY place) AND lead(g0, 2) OVER (PARTITION BY person ORDER BY place) = g0) AS a3, lead(t, 2) OVER (PARTITION BY person ORDER BY place) AS u3
      FROM scan
    ) r
    WHERE m0
      AND (t >= 1793487600000 AND t < 1796079600000)
  ) s
),
chosen AS (
  SELECT *
  FROM (
    SELECT *, rank() OVER (PARTITION BY person ORDER BY t, place) AS choice
    FROM attempts
  ) a
  WHERE choice = 1
),
top0 AS (
  SELECT k, n
  FROM (
    SELECT k0 AS k, row_number() OVER (ORDER BY count(*) DESC, substr(k0, 2), k0) AS n
    FROM chosen
    WHERE k0 <> 't(other)'
    GROUP BY k0
  ) a
  WHERE n <= 10
),
cut AS (
  SELECT r.person AS person, r.reached AS reached, r.t AS t, r.t2 AS t2, r.t3 AS t3, coalesce(top0.n, 11) AS n0, coalesce(top0.k, 't(other)') AS s0
  FROM chosen r
  LEFT JOIN top0 ON top0.k = r.k0
)
SELECT n0, s0, step, count(*) AS reached, sum(CAST(since AS DECIMAL(27, 0))) AS total, max(since) FILTER (WHERE rank = ((ranks + 1) // 2)) AS low, max(since) FILTER (WHERE rank = ((ranks + 2) // 2)) AS high, count(*) AS persons, count(*) FILTER (WHERE (step = 3 AND whole <= 1000)) AS h0, count(*) FILTER (WHERE (step = 3 AND whole <= 10000)) AS h1, count(*) FILTER (WHERE (step = 3 AND whole <= 30000)) AS h2, count(*) FILTER (WHERE (step = 3 AND whole <= 60000)) AS h3, count(*) FILTER (WHERE (step = 3 AND whole <= 300000)) AS h4, count(*) FILTER (WHERE (step = 3 AND whole <= 600000)) AS h5, count(*) FILTER (WHERE (step = 3 AND whole <= 1800000)) AS h6, count(*) FILTER (WHERE (step = 3 AND whole <= 3600000)) AS h7, count(*) FILTER (WHERE (step = 3 AND whole <= 10800000)) AS h8, count(*) FILTER (WHERE (step = 3 AND whole <= 21600000)) AS h9, count(*) FILTER (WHERE (step = 3 AND whole <= 43200000)) AS h10, count(*) FILTER (WHERE (step = 3 AND whole <= 86400000)) AS h11, count(*) FILTER (WHERE (step = 3 AND whole <= 172800000)) AS h12, count(*) FILTER (WHERE (step = 3 AND whole <= 259200000)) AS h13, count(*) FILTER (WHERE (step = 3 AND whole <= 604800000)) AS h14
FROM (
  SELECT n0, s0, step, person, since, whole, row_number() OVER (PARTITION BY n0, s0, step ORDER BY since) AS rank, count(*) OVER (PARTITION BY n0, s0, step) AS ranks
  FROM (
    SELECT n0, s0, person, step, CASE step WHEN 2 THEN t2 - t WHEN 3 THEN t3 - t2 END AS since, t3 - t AS whole
    FROM cut CROSS JOIN (VALUES (1), (2), (3)) numbers(step)
    WHERE step <= reached
  ) e
) r
GROUP BY n0, s0, step
