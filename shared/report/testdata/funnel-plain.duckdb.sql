WITH scan AS (
  SELECT x.event = 'Sign Up' AS m0, x.event = 'Purchase' AS m1, x.person AS person, x.t AS t
  FROM (
    SELECT e.event AS event, e.kind AS kind, e.person_id AS person, epoch_ms(e."time") AS t
    FROM events e
    WHERE e."date" BETWEEN DATE '2026-10-31' AND DATE '2026-12-07'
      AND (e."time" >= TIMESTAMP '2026-10-31 23:00:00.000' AND e."time" < TIMESTAMP '2026-12-07 23:00:00.001')
      AND NOT e.is_bot
      AND e.person_id IS NOT NULL
      AND e.event IN ('Sign Up', 'Purchase')
  ) x
  WHERE (x.event = 'Sign Up' OR x.event = 'Purchase')
),
attempts AS (
  SELECT person, a[1] + 1793487600000 AS t, a[2] + 1793487600000 AS t2, len(a) AS reached
  FROM (
    SELECT person, unnest(funnel_attempts(list((t - 1793487600000) * 4194304 + CASE WHEN (m0 AND (t >= 1793487600000 AND t < 1796079600000)) THEN 1 ELSE 0 END + CASE WHEN m1 THEN 2 ELSE 0 END), 2, CAST([] AS BIGINT[]), 604800000, 'best')) AS a
    FROM scan
    GROUP BY person
  ) l
),
chosen AS (
  SELECT *
  FROM (
    SELECT *, rank() OVER (PARTITION BY person ORDER BY reached DESC, t) AS choice
    FROM attempts
  ) a
  WHERE choice = 1
)
SELECT step, count(*) AS reached, sum(CAST(since AS DECIMAL(27, 0))) AS total, max(since) FILTER (WHERE rank = ((ranks + 1) // 2)) AS low, max(since) FILTER (WHERE rank = ((ranks + 2) // 2)) AS high, count(*) AS persons, count(*) FILTER (WHERE (step = 2 AND whole <= 1000)) AS h0, count(*) FILTER (WHERE (step = 2 AND whole <= 10000)) AS h1, count(*) FILTER (WHERE (step = 2 AND whole <= 30000)) AS h2, count(*) FILTER (WHERE (step = 2 AND whole <= 60000)) AS h3, count(*) FILTER (WHERE (step = 2 AND whole <= 300000)) AS h4, count(*) FILTER (WHERE (step = 2 AND whole <= 600000)) AS h5, count(*) FILTER (WHERE (step = 2 AND whole <= 1800000)) AS h6, count(*) FILTER (WHERE (step = 2 AND whole <= 3600000)) AS h7, count(*) FILTER (WHERE (step = 2 AND whole <= 10800000)) AS h8, count(*) FILTER (WHERE (step = 2 AND whole <= 21600000)) AS h9, count(*) FILTER (WHERE (step = 2 AND whole <= 43200000)) AS h10, count(*) FILTER (WHERE (step = 2 AND whole <= 86400000)) AS h11, count(*) FILTER (WHERE (step = 2 AND whole <= 172800000)) AS h12, count(*) FILTER (WHERE (step = 2 AND whole <= 259200000)) AS h13, count(*) FILTER (WHERE (step = 2 AND whole <= 604800000)) AS h14
FROM (
  SELECT step, person, since, whole, row_number() OVER (PARTITION BY step ORDER BY since) AS rank, count(*) OVER (PARTITION BY step) AS ranks
  FROM (
    SELECT person, step, CASE step WHEN 2 THEN t2 - t END AS since, t2 - t AS whole
    FROM chosen CROSS JOIN (VALUES (1), (2)) numbers(step)
    WHERE step <= reached
  ) e
) r
GROUP BY step
