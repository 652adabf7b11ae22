WITH days AS (
  SELECT person, cohort, slot, min(t) FILTER (WHERE is_first) AS t, min(t) FILTER (WHERE is_then) AS earliest, max(t) FILTER (WHERE is_then) AS latest, count(*) FILTER (WHERE is_first AND is_then) AS doubles, min(t) FILTER (WHERE is_first AND NOT is_then) AS first_alone, max(t) FILTER (WHERE is_then AND NOT is_first) AS then_alone
  FROM (SELECT x.person AS person, x.t AS t, coalesce(((x.event = 'Sign Up' AND coalesce(CASE WHEN x.p0 LIKE '"%' THEN json_extract_string(x.p0, '$') END = 'it''s', FALSE)) AND (x.t >= 1792447200000 AND x.t < 1793401200000)), FALSE) AS is_first, coalesce(x.event IN ('Page View', 'Purchase'), FALSE) AS is_then, (((x.t + CASE WHEN x.t < 1792890000000 THEN 7200000 ELSE 3600000 END) // 86400000) - 20746) AS cohort, (x.t // 86400000) AS slot
  FROM (
    SELECT e.person_id AS person, nullif(CAST(json_extract(e.properties, '$."plan"') AS VARCHAR), 'null') AS p0, e.event AS event, epoch_ms(e."time") AS t
    FROM events e
    WHERE e."date" BETWEEN DATE '2026-10-19' AND DATE '2026-11-08'
      AND (e."time" >= TIMESTAMP '2026-10-19 22:00:00.000' AND e."time" < TIMESTAMP '2026-11-08 23:00:00.000')
      AND e.event IN ('Sign Up', 'Page View', 'Purchase')
  ) x
  WHERE x.person IS NOT NULL
    AND (((x.event = 'Sign Up' AND coalesce(CASE WHEN x.p0 LIKE '"%' THEN json_extract_string(x.p0, '$') END = 'it''s', FALSE)) AND (x.t >= 1792447200000 AND x.t < 1793401200000)) OR x.event IN ('Page View', 'Purchase'))) s
  GROUP BY person, cohort, slot
),
moments AS (
  SELECT person, cohort, slot, t, again, tie
  FROM (
    SELECT person, cohort, slot, t, (latest = t AND doubles > 1) AS again, (latest = t AND doubles < 2 AND (coalesce(then_alone = t, FALSE) OR coalesce(first_alone = t, FALSE))) AS tie, rank() OVER (PARTITION BY person, cohort ORDER BY t) AS turn
    FROM days
    WHERE t IS NOT NULL
  ) d
  WHERE turn = 1
),
tied AS (
  SELECT person, t, coalesce(max(place) FILTER (WHERE is_then) > min(place) FILTER (WHERE is_first), FALSE) AS again, min_by(k0, place) FILTER (WHERE is_first) AS k0
  FROM (
    SELECT m.person AS person, m.t AS t, s.is_first AS is_first, s.is_then AS is_then, row_number() OVER (PARTITION BY m.person, m.t ORDER BY s.o0, s.o1, s.o2) AS place, s.k0 AS k0
    FROM (SELECT x.person AS person, x.t AS t, coalesce(((x.event = 'Sign Up' AND coalesce(CASE WHEN x.p0 LIKE '"%' THEN json_extract_string(x.p0, '$') END = 'it''s', FALSE)) AND (x.t >= 1792447200000 AND x.t < 1793401200000)), FALSE) AS is_first, coalesce(x.event IN ('Page View', 'Purchase'), FALSE) AS is_then, x.received AS o0, x.insert_id AS o1, x.event AS o2, CASE WHEN x.p1 IS NULL THEN 't(not set)' WHEN x.p1 = '' THEN 't(empty)' ELSE 't' || x.p1 END AS k0
    FROM (
      SELECT e.person_id AS person, nullif(CAST(json_extract(e.properties, '$."plan"') AS VARCHAR), 'null') AS p0, e.event AS event, epoch_ms(e."time") AS t, epoch_ms(e.received_time) AS received, e.insert_id AS insert_id, e."country" AS p1
      FROM events e
      WHERE e."date" BETWEEN DATE '2026-10-19' AND DATE '2026-11-08'
        AND (e."time" >= TIMESTAMP '2026-10-19 22:00:00.000' AND e."time" < TIMESTAMP '2026-11-08 23:00:00.000')
        AND e.event IN ('Sign Up', 'Page View', 'Purchase')
    ) x
    WHERE x.person IS NOT NULL
      AND (((x.event = 'Sign Up' AND coalesce(CASE WHEN x.p0 LIKE '"%' THEN json_extract_string(x.p0, '$') END = 'it''s', FALSE)) AND (x.t >= 1792447200000 AND x.t < 1793401200000)) OR x.event IN ('Page View', 'Purchase'))) s
    JOIN moments m ON m.person = s.person AND m.t = s.t
  ) r
  GROUP BY person, t
),
joined AS (
  SELECT m.person AS person, m.cohort AS cohort, m.slot AS slot, m.t AS t, coalesce(k.again, m.again, FALSE) AS again, k.k0 AS k0
  FROM moments m
  LEFT JOIN tied k ON k.person = m.person AND k.t = m.t
),
visits AS (
  SELECT person, slot, min(earliest) AS earliest, max(latest) AS latest
  FROM days
  WHERE latest IS NOT NULL
  GROUP BY person, slot
),
top0 AS (
  SELECT k, n
  FROM (
    SELECT k0 AS k, row_number() OVER (ORDER BY count(*) DESC, substr(k0, 2), k0) AS n
    FROM joined
    WHERE k0 <> 't(other)'
    GROUP BY k0
  ) a
  WHERE n <= 3
),
cut AS (
  SELECT r.person AS person, r.cohort AS cohort, r.slot AS slot, r.t AS t, r.again AS again, coalesce(top0.n, 4) AS n0, coalesce(top0.k, 't(other)') AS s0
  FROM joined r
  LEFT JOIN top0 ON top0.k = r.k0
)
SELECT cohort, CAST(NULL AS BIGINT) AS step, n0, s0, count(*) AS persons
FROM cut
GROUP BY cohort, n0, s0
UNION ALL
SELECT cohort, step, n0, s0, count(*) AS persons
FROM (
  SELECT cohort, n0, s0, step
  FROM (
    SELECT j.person AS person, j.cohort AS cohort, j.n0 AS n0, j.s0 AS s0, v.slot - j.slot - h.half AS step
    FROM cut j
    JOIN visits v ON v.person = j.person AND v.slot >= j.slot AND (v.latest > j.t OR v.slot = j.slot AND j.again) AND v.slot <= j.slot + 7
    CROSS JOIN (VALUES (0), (1)) h(half)
    WHERE (h.half = 0 AND v.latest >= j.t + (v.slot - j.slot) * 86400000 OR h.half = 1 AND v.slot > j.slot AND v.earliest < j.t + (v.slot - j.slot) * 86400000)
  ) r
  WHERE (step IS NULL OR step <= 6)
  GROUP BY cohort, n0, s0, person, step
) u
GROUP BY cohort, n0, s0, step
