WITH scan AS (
  SELECT (x.event = 'Sign Up' AND x.kind IN ('event', 'page', 'screen')) AS m0, ((x.event = 'Add Card' AND coalesce(CASE WHEN x.p0 LIKE '"%' THEN json_extract_scalar(x.p0, '$') END = 'pro', FALSE) AND x.kind IN ('event', 'page', 'screen')) OR (x.event = 'Add Account' AND x.kind IN ('event', 'page', 'screen'))) AS m1, (x.event = 'Purchase' AND x.kind IN ('event', 'page', 'screen')) AS m2, (x.event = 'Purchase' AND x.kind IN ('event', 'page', 'screen')) AS m3, (x.event = 'Refund' AND x.kind IN ('event', 'page', 'screen')) AS x0, x.kind IN ('event', 'page', 'screen') AS active, ((x.event = 'Sign Up' AND x.kind IN ('event', 'page', 'screen')) OR ((x.event = 'Add Card' AND coalesce(CASE WHEN x.p0 LIKE '"%' THEN json_extract_scalar(x.p0, '$') END = 'pro', FALSE) AND x.kind IN ('event', 'page', 'screen')) OR (x.event = 'Add Account' AND x.kind IN ('event', 'page', 'screen'))) OR (x.event = 'Purchase' AND x.kind IN ('event', 'page', 'screen')) OR (x.event = 'Purchase' AND x.kind IN ('event', 'page', 'screen')) OR (x.event = 'Refund' AND x.kind IN ('event', 'page', 'screen'))) AS asked, x.person AS person, x.t AS t, CASE WHEN x.p1 IS NULL THEN 't(not set)' WHEN x.p1 = '""' THEN 't(empty)' WHEN x.p1 LIKE '"%' THEN 't' || json_extract_scalar(x.p1, '$') WHEN x.p1 IN ('true', 'false') THEN 'b' || x.p1 WHEN x.p1 LIKE '[%' THEN 't(list)' WHEN x.p1 LIKE '{%' THEN 't(object)' ELSE coalesce('n' || CAST(try_cast(x.p1 AS DECIMAL(38, 9)) AS VARCHAR), 't(number)') END AS g0, row_number() OVER (PARTITION BY x.person ORDER BY x.t, x.received, x.insert_id, x.event) AS place, CASE WHEN x.p2 IS NULL THEN 't(not set)' WHEN x.p2 = '' THEN 't(empty)' ELSE 't' || x.p2 END AS k0
  FROM (
    SELECT e.event AS event, e.kind AS kind, CASE WHEN regexp_like(json_format(json_extract(e.properties, '$["plan"]')), '^("-{0,1}Infinity"|[-0-9])') AND json_extract_scalar(e.properties, '$["plan"]') NOT LIKE '%Infinity' THEN json_extract_scalar(e.properties, '$["plan"]') ELSE nullif(json_format(json_extract(e.properties, '$["plan"]')), 'null') END AS p0, e.person_id AS person, date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00.000', e."time") AS t, CASE WHEN regexp_like(json_format(json_extract(e.properties, '$["plan"]')), '^("-{0,1}Infinity"|[-0-9])') AND json_extract_scalar(e.properties, '$["plan"]') NOT LIKE '%Infinity' THEN json_extract_scalar(e.properties, '$["plan"]') ELSE nullif(json_format(json_extract(e.properties, '$["plan"]')), 'null') END AS p1, date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00.000', e.received_time) AS received, e.insert_id AS insert_id, e."country" AS p2
    FROM events e
    WHERE e."date" BETWEEN DATE '2026-11-01' AND DATE '2026-12-01'
      AND (e."time" >= TIMESTAMP '2026-11-01 00:00:00.000' AND e."time" < TIMESTAMP '2026-12-01 12:00:00.001')
      AND NOT e.is_bot
      AND e.person_id IS NOT NULL
      AND (e.kind IN ('event', 'page', 'screen') OR e.event IN ('Sign Up', 'Add Card', 'Add Account', 'Purchase', 'Refund'))
  ) x
),
sessions AS (
  SELECT *
  FROM (
  SELECT m0, m1, m2, m3, x0, active, asked, person, t, g0, place, k0, sum(fresh) OVER (PARTITION BY person, active ORDER BY t) AS session
  FROM (
    SELECT m0, m1, m2, m3, x0, active, asked, person, t, g0, place, k0, CASE WHEN t - lag(t) OVER (PARTITION BY person, active ORDER BY t) > 1800000 THEN 1 ELSE 0 END AS fresh
    FROM scan
  ) a
  ) n
  WHERE asked AND active
),
instants AS (
  SELECT person, session, g0, k0, t, c0 >= 1 AS f1, (c0 >= 1 AND c1 >= 1) AS f2, (c0 >= 1 AND c1 >= 1 AND c2 >= 1) AS f3, (c0 >= 1 AND c1 >= 1 AND c2 >= 1 AND c3 >= 1 AND c4 >= 2) AS f4, c1 >= 1 AS f7, (c1 >= 1 AND c2 >= 1) AS f8, (c1 >= 1 AND c2 >= 1 AND c3 >= 1 AND c4 >= 2) AS f9, c2 >= 1 AS f13, (c2 >= 1 AND c3 >= 1 AND c4 >= 2) AS f14, c3 >= 1 AS f19, min(CASE WHEN x0 THEN t END) OVER (PARTITION BY person, session, g0 ORDER BY t ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS y0
  FROM (
    SELECT person, session, g0, t, count(*) FILTER (WHERE m0) AS c0, count(*) FILTER (WHERE m1) AS c1, count(*) FILTER (WHERE m2) AS c2, count(*) FILTER (WHERE m3) AS c3, count(*) FILTER (WHERE (m2 OR m3)) AS c4, count(*) FILTER (WHERE x0) > 0 AS x0, min_by(k0, place) FILTER (WHERE m1) AS k0
    FROM sessions
    GROUP BY person, session, g0, t
  ) i
),
attempts AS (
  SELECT *, CASE WHEN NOT coalesce(t2 - t <= 43200000, FALSE) THEN 1 WHEN NOT (coalesce(t3 - t <= 43200000, FALSE) AND (NOT coalesce(y0 < t3, FALSE))) THEN 2 WHEN NOT (coalesce(t4 - t <= 43200000, FALSE) AND (NOT coalesce(y0 < t4, FALSE))) THEN 3 ELSE 4 END AS reached
  FROM (
    SELECT person, session, g0, k0, t, CASE WHEN f2 THEN t WHEN f1 THEN w8 END AS t2, CASE WHEN f3 THEN t WHEN f2 THEN w15 WHEN f1 THEN w9 END AS t3, CASE WHEN f4 THEN t WHEN f3 THEN w22 WHEN f2 THEN w16 WHEN f1 THEN w10 END AS t4, CASE WHEN f2 THEN y0 WHEN f1 THEN w11 END AS y0
    FROM (
      SELECT *, min(CASE WHEN f7 THEN t END) OVER (PARTITION BY person, session, g0 ORDER BY t ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS w8, min(CASE WHEN f8 THEN t WHEN f7 THEN w15 END) OVER (PARTITION BY person, session, g0 ORDER BY t ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS w9, min(CASE WHEN f9 THEN t WHEN f8 THEN w22 WHEN f7 THEN w16 END) OVER (PARTITION BY person, session, g0 ORDER BY t ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS w10, min(CASE WHEN f7 THEN y0 END) OVER (PARTITION BY person, session, g0 ORDER BY t ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS w11
      FROM (
        SELECT *, min(CASE WHEN f13 THEN t END) OVER (PARTITION BY person, session, g0 ORDER BY t ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS w15, min(CASE WHEN f14 THEN t WHEN f13 THEN w22 END) OVER (PARTITION BY person, session, g0 ORDER BY t ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS w16
        FROM (
          SELECT *, min(CASE WHEN f19 THEN t END) OVER (PARTITION BY person, session, g0 ORDER BY t ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS w22
          FROM instants
        ) l
      ) l
    ) l
    WHERE f1
      AND (t >= 1793491200000 AND t < 1796083200000)
  ) s
),
chosen AS (
  SELECT c.person AS person, c.reached AS reached, c.t AS t, c.t2 AS t2, c.t3 AS t3, c.t4 AS t4, coalesce(CASE WHEN c.reached >= 2 THEN b.k0 END, 't(not set)') AS k0
  FROM (SELECT *
  FROM (
    SELECT *, rank() OVER (PARTITION BY person, session ORDER BY reached DESC, t, g0) AS choice
    FROM attempts
  ) a
  WHERE choice = 1) c
  LEFT JOIN instants b ON (b.t = c.t2 AND b.person = c.person AND b.session = c.session AND b.g0 = c.g0)
),
top0 AS (
  SELECT k, n
  FROM (
    SELECT k0 AS k, row_number() OVER (ORDER BY count(*) DESC, substr(k0, 2), k0) AS n
    FROM chosen
    WHERE k0 <> 't(other)'
    GROUP BY k0
  ) a
  WHERE n <= 3
),
cut AS (
  SELECT r.person AS person, r.reached AS reached, r.t AS t, r.t2 AS t2, r.t3 AS t3, r.t4 AS t4, coalesce(top0.n, 4) AS n0, coalesce(top0.k, 't(other)') AS s0
  FROM chosen r
  LEFT JOIN top0 ON top0.k = r.k0
)
SELECT n0, s0, step, count(*) AS reached, sum(CAST(since AS DECIMAL(27, 0))) AS total, max(since) FILTER (WHERE rank = ((ranks + 1) / 2)) AS low, max(since) FILTER (WHERE rank = ((ranks + 2) / 2)) AS high, count(*) AS persons, count(*) FILTER (WHERE (step = 4 AND whole <= 1000)) AS h0, count(*) FILTER (WHERE (step = 4 AND whole <= 10000)) AS h1, count(*) FILTER (WHERE (step = 4 AND whole <= 30000)) AS h2, count(*) FILTER (WHERE (step = 4 AND whole <= 60000)) AS h3, count(*) FILTER (WHERE (step = 4 AND whole <= 300000)) AS h4, count(*) FILTER (WHERE (step = 4 AND whole <= 600000)) AS h5, count(*) FILTER (WHERE (step = 4 AND whole <= 1800000)) AS h6, count(*) FILTER (WHERE (step = 4 AND whole <= 3600000)) AS h7, count(*) FILTER (WHERE (step = 4 AND whole <= 10800000)) AS h8, count(*) FILTER (WHERE (step = 4 AND whole <= 21600000)) AS h9, count(*) FILTER (WHERE (step = 4 AND whole <= 43200000)) AS h10
FROM (
  SELECT n0, s0, step, person, since, whole, row_number() OVER (PARTITION BY n0, s0, step ORDER BY since) AS rank, count(*) OVER (PARTITION BY n0, s0, step) AS ranks
  FROM (
    SELECT n0, s0, person, step, CASE step WHEN 2 THEN t2 - t WHEN 3 THEN t3 - t2 WHEN 4 THEN t4 - t3 END AS since, t4 - t AS whole
    FROM cut CROSS JOIN (VALUES (1), (2), (3), (4)) numbers(step)
    WHERE step <= reached
  ) e
) r
GROUP BY n0, s0, step
