WITH scan AS (
  SELECT x.person AS person, row_number() OVER (PARTITION BY x.person ORDER BY x.t, x.received, x.insert_id, x.event) AS place, x.event AS event, (x.event = 'Purchase' AND coalesce(x.p1 > 1E+02, FALSE)) AS anchor, CASE WHEN x.p2 IS NULL THEN 't(not set)' WHEN x.p2 = '' THEN 't(empty)' ELSE 't' || x.p2 END AS k0
  FROM (
    SELECT CASE WHEN regexp_like(json_format(json_extract(e.properties, '$["plan"]')), '^("-{0,1}Infinity"|[-0-9])') AND json_extract_scalar(e.properties, '$["plan"]') NOT LIKE '%Infinity' THEN json_extract_scalar(e.properties, '$["plan"]') ELSE nullif(json_format(json_extract(e.properties, '$["plan"]')), 'null') END AS p0, e."revenue" AS p1, e.event AS event, e.person_id AS person, date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00.000', e."time") AS t, date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00.000', e.received_time) AS received, e.insert_id AS insert_id, e."country" AS p2
    FROM events e
    WHERE e."date" BETWEEN DATE '2026-10-19' AND DATE '2026-10-30'
      AND (e."time" >= TIMESTAMP '2026-10-19 22:00:00.000' AND e."time" < TIMESTAMP '2026-10-30 23:00:00.000')
      AND NOT e.is_bot
      AND e.kind IN ('event', 'page', 'screen')
  ) x
  WHERE x.person IS NOT NULL
    AND coalesce(CASE WHEN x.p0 LIKE '"%' THEN json_extract_scalar(x.p0, '$') END = 'pro', FALSE)
),
anchors AS (
  SELECT person, event, place, k0, min(CASE WHEN anchor THEN place END) OVER (PARTITION BY person) AS anchored
  FROM scan
),
walked AS (
  SELECT person, event, place, k0
  FROM anchors
  WHERE place <= anchored
),
paths AS (
  SELECT person, max(CASE WHEN step = 0 THEN event END) AS e0, max(CASE WHEN step = 1 THEN event END) AS e1, max(CASE WHEN step = 2 THEN event END) AS e2, max_by(k0, place) AS k0
  FROM (
    SELECT person, event, place, k0, row_number() OVER (PARTITION BY person ORDER BY place DESC) - 1 AS step
    FROM walked
  ) s
  WHERE step <= 2
  GROUP BY person
),
top0 AS (
  SELECT k, n
  FROM (
    SELECT k0 AS k, row_number() OVER (ORDER BY count(*) DESC, substr(k0, 2), k0) AS n
    FROM paths
    WHERE k0 <> 't(other)'
    GROUP BY k0
  ) a
  WHERE n <= 3
),
cut AS (
  SELECT r.person AS person, r.e0 AS e0, r.e1 AS e1, r.e2 AS e2, coalesce(top0.n, 4) AS n0, coalesce(top0.k, 't(other)') AS s0
  FROM paths r
  LEFT JOIN top0 ON top0.k = r.k0
),
pairs AS (
  SELECT n0, s0, step, here, there, count(*) AS paths
  FROM (
    SELECT n0, s0, step, CASE step WHEN 0 THEN e0 WHEN 1 THEN e1 END AS here, CASE step WHEN 0 THEN e1 WHEN 1 THEN e2 END AS there
    FROM cut CROSS JOIN (VALUES (0), (1)) steps(step)
  ) e
  WHERE here IS NOT NULL
  GROUP BY n0, s0, step, here, there
)
SELECT n0, s0, step, here_rank, here, there_rank, there, sum(paths) AS paths, CAST(0 AS BIGINT) AS persons
FROM (
  SELECT n0, s0, step, CASE WHEN here IN ('(other)', '(end)') OR here_rank > 5 THEN 6 ELSE here_rank END AS here_rank, CASE WHEN here IN ('(other)', '(end)') OR here_rank > 5 THEN '(other)' ELSE here END AS here, CASE WHEN (there IS NULL OR there IN ('(other)', '(end)')) OR there_rank > 5 THEN 6 ELSE there_rank END AS there_rank, CASE WHEN there IS NOT NULL THEN CASE WHEN (there IS NULL OR there IN ('(other)', '(end)')) OR there_rank > 5 THEN '(other)' ELSE there END END AS there, paths
  FROM (
    SELECT *, dense_rank() OVER (PARTITION BY step ORDER BY CASE WHEN here IN ('(other)', '(end)') THEN 1 ELSE 0 END, here_paths DESC, here) AS here_rank, dense_rank() OVER (PARTITION BY step ORDER BY CASE WHEN (there IS NULL OR there IN ('(other)', '(end)')) THEN 1 ELSE 0 END, there_paths DESC, there) AS there_rank
    FROM (
      SELECT *, sum(paths) OVER (PARTITION BY step, here) AS here_paths, sum(paths) OVER (PARTITION BY step, there) AS there_paths
      FROM pairs
    ) f
  ) r
) n
GROUP BY n0, s0, step, here_rank, here, there_rank, there
