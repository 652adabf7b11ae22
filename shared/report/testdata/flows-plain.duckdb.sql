WITH scan AS (
  SELECT x.person AS person, x.t AS t, row_number() OVER (PARTITION BY x.person ORDER BY x.t, x.received, x.insert_id, x.event) AS place, CASE WHEN x.t - lag(x.t) OVER (PARTITION BY x.person ORDER BY x.t, x.received, x.insert_id, x.event) <= 1800000 THEN 0 ELSE 1 END AS fresh, x.event NOT IN ('Heartbeat') AS walks, x.event AS event, x.event = 'Sign Up' AS anchor
  FROM (
    SELECT e.event AS event, e.person_id AS person, epoch_ms(e."time") AS t, epoch_ms(e.received_time) AS received, e.insert_id AS insert_id
    FROM events e
    WHERE e."date" BETWEEN DATE '2026-10-31' AND DATE '2026-12-01'
      AND (e."time" >= TIMESTAMP '2026-10-31 22:30:00.000' AND e."time" < TIMESTAMP '2026-12-01 23:00:00.000')
      AND NOT e.is_bot
      AND e.kind IN ('event', 'page', 'screen')
  ) x
  WHERE x.person IS NOT NULL
),
begun AS (
  SELECT person, t, place, fresh, walks, event, anchor, max(CASE WHEN fresh = 1 THEN t END) OVER (PARTITION BY person ORDER BY place) AS began
  FROM scan
),
anchors AS (
  SELECT person, began, event, place, min(CASE WHEN anchor THEN place END) OVER (PARTITION BY person, began) AS anchored
  FROM begun
  WHERE (began >= 1793487600000 AND began < 1796079600000)
    AND walks
),
walked AS (
  SELECT person, began, event, place, CASE WHEN event = lag(event) OVER (PARTITION BY person, began ORDER BY place) THEN 0 ELSE 1 END AS another
  FROM anchors
  WHERE place >= anchored
),
paths AS (
  SELECT person, began, max(CASE WHEN step = 0 THEN event END) AS e0, max(CASE WHEN step = 1 THEN event END) AS e1, max(CASE WHEN step = 2 THEN event END) AS e2, max(CASE WHEN step = 3 THEN event END) AS e3, max(CASE WHEN step = 4 THEN event END) AS e4
  FROM (
    SELECT person, began, event, place, sum(another) OVER (PARTITION BY person, began ORDER BY place) - 1 AS step
    FROM walked
  ) s
  WHERE step <= 4
  GROUP BY person, began
),
pairs AS (
  SELECT step, here, there, count(*) AS paths
  FROM (
    SELECT step, CASE step WHEN 0 THEN e0 WHEN 1 THEN e1 WHEN 2 THEN e2 WHEN 3 THEN e3 END AS here, CASE step WHEN 0 THEN e1 WHEN 1 THEN e2 WHEN 2 THEN e3 WHEN 3 THEN e4 END AS there
    FROM paths CROSS JOIN (VALUES (0), (1), (2), (3)) steps(step)
  ) e
  WHERE here IS NOT NULL
  GROUP BY step, here, there
)
SELECT step, here_rank, here, there_rank, there, sum(paths) AS paths, CAST(0 AS BIGINT) AS persons
FROM (
  SELECT step, CASE WHEN here IN ('(other)', '(end)') OR here_rank > 5 THEN 6 ELSE here_rank END AS here_rank, CASE WHEN here IN ('(other)', '(end)') OR here_rank > 5 THEN '(other)' ELSE here END AS here, CASE WHEN (there IS NULL OR there IN ('(other)', '(end)')) OR there_rank > 5 THEN 6 ELSE there_rank END AS there_rank, CASE WHEN there IS NOT NULL THEN CASE WHEN (there IS NULL OR there IN ('(other)', '(end)')) OR there_rank > 5 THEN '(other)' ELSE there END END AS there, paths
  FROM (
    SELECT *, dense_rank() OVER (PARTITION BY step ORDER BY CASE WHEN here IN ('(other)', '(end)') THEN 1 ELSE 0 END, here_paths DESC, here) AS here_rank, dense_rank() OVER (PARTITION BY step ORDER BY CASE WHEN (there IS NULL OR there IN ('(other)', '(end)')) THEN 1 ELSE 0 END, there_paths DESC, there) AS there_rank
    FROM (
      SELECT *, sum(paths) OVER (PARTITION BY step, here) AS here_paths, sum(paths) OVER (PARTITION BY step, there) AS there_paths
      FROM pairs
    ) f
  ) r
) n
GROUP BY step, here_rank, here, there_rank, there
