WITH scan AS (
  WITH rows AS (
    SELECT x.*
    FROM (
      SELECT e."country" AS p0, e.event AS event, e.kind AS kind, e.person_id AS person, epoch_ms(e."time") AS t, epoch_ms(e.received_time) AS received, e.insert_id AS insert_id, e."channel" AS p1
      FROM events e
      WHERE e."date" BETWEEN DATE '2026-10-31' AND DATE '2026-12-07'
        AND (e."time" >= TIMESTAMP '2026-10-31 23:00:00.000' AND e."time" < TIMESTAMP '2026-12-07 23:00:00.001')
        AND NOT e.is_bot
        AND e.person_id IS NOT NULL
        AND e.event IN ('Search', 'Sign Up', 'Purchase')
    ) x
    WHERE (x.event = 'Search' OR x.event = 'Sign Up' OR x.event = 'Purchase')
      AND coalesce(x.p0 = 'DE', FALSE)
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
  SELECT x.event = 'Search' AS m0, x.event = 'Sign Up' AS m1, x.event = 'Purchase' AS m2, x.person AS person, x.t AS t, row_number() OVER (PARTITION BY x.person ORDER BY x.t, x.received, x.insert_id, x.event) AS place, CASE WHEN x.p1 IS NULL THEN 't(not set)' WHEN x.p1 = '' THEN 't(empty)' ELSE 't' || x.p1 END AS k0
  FROM (
    SELECT r.p0 AS p0, r.event AS event, r.kind AS kind, n.number AS person, r.t AS t, r.received AS received, r.insert_id AS insert_id, r.p1 AS p1
    FROM rows r
    LEFT JOIN numbers n ON n.person = r.person
  ) x
),
instants AS (
  SELECT person, k0, t, c0 >= 1 AS f1, c1 >= 1 AS f6, c2 >= 1 AS f11
  FROM (
    SELECT person, t, count(*) FILTER (WHERE m0) AS c0, count(*) FILTER (WHERE m1) AS c1, count(*) FILTER (WHERE m2) AS c2, min_by(k0, place) FILTER (WHERE (m0 OR m1 OR m2)) AS k0
    FROM scan
    GROUP BY person, t
  ) i
),
attempts AS (
  SELECT *, CASE WHEN u0 - t <= 604800000 THEN 1 ELSE 0 END + CASE WHEN u1 - t <= 604800000 THEN 1 ELSE 0 END + CASE WHEN u2 - t <= 604800000 THEN 1 ELSE 0 END AS reached
  FROM (
    SELECT person, k0, t, min(CASE WHEN f1 THEN t END) OVER (PARTITION BY person ORDER BY t ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS u0, min(CASE WHEN f6 THEN t END) OVER (PARTITION BY person ORDER BY t ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS u1, min(CASE WHEN f11 THEN t END) OVER (PARTITION BY person ORDER BY t ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS u2
    FROM instants
  ) s
  WHERE (t >= 1793487600000 AND t < 1796079600000)
),
spans AS (
  SELECT *, CASE WHEN reached = 3 THEN greatest(u0, u1, u2) ELSE t + 604800000 END AS until
  FROM attempts
),
taken AS (
  SELECT person, CAST(unnest(string_split(taken, ',')) AS BIGINT) AS t
  FROM (
    SELECT person, CAST(min(t) AS VARCHAR) || list_reduce(list_sort(list({'id': t, 't': t, 'until': until, 'taken': ''})), lambda a, b: CASE WHEN b.t > a.until THEN {'id': b.id, 't': b.t, 'until': b.until, 'taken': a.taken || ',' || b.id} ELSE a END).taken AS taken
    FROM (
      SELECT person, t, until, sum(cut) OVER (PARTITION BY person ORDER BY t ROWS UNBOUNDED PRECEDING) AS list
      FROM (
        SELECT person, t, until, CASE WHEN t <= max(until) OVER (PARTITION BY person ORDER BY t ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) THEN 0 ELSE 1 END AS cut
        FROM spans
      ) c
    ) l
    GROUP BY person, list
  ) f
),
chosen AS (
  SELECT person, t, reached, k0, max(u) FILTER (WHERE turn = 2) AS t2, max(u) FILTER (WHERE turn = 3) AS t3
  FROM (
    SELECT person, t, reached, k0, u, row_number() OVER (PARTITION BY person, t ORDER BY u) AS turn
    FROM (
      SELECT person, t, reached, k0, CASE step WHEN 0 THEN u0 WHEN 1 THEN u1 WHEN 2 THEN u2 END AS u
      FROM (
        SELECT s.*
        FROM spans s
        JOIN taken k ON (s.person = k.person AND s.t = k.t)
      ) c CROSS JOIN (VALUES (0), (1), (2)) numbers(step)
    ) e
    WHERE u - t <= 604800000
  ) o
  GROUP BY person, t, reached, k0
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
