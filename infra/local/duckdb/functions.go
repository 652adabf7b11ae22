package duckdb

import (
	_ "embed"
	"strings"
	"sync"
)

// Which functions a statement may call is a list of names, not of exceptions:
// what a later DuckDB adds stays out until somebody has looked at it. A test
// compares both lists with what the linked DuckDB has, and names what is new.

//go:embed functions.txt
var harmless string

// refused are DuckDB's other functions, and why. A reason is put behind "which".
var refused = map[string]string{}

func init() {
	for why, names := range map[string]string{
		"reads files":             "glob read_blob read_csv read_csv_auto read_duckdb read_json read_json_auto read_json_objects read_json_objects_auto read_ndjson read_ndjson_auto read_ndjson_objects read_parquet read_text parquet_scan parquet_metadata parquet_schema parquet_file_metadata parquet_full_metadata parquet_kv_metadata parquet_bloom_probe sniff_csv",
		"reads memory by address": "arrow_scan arrow_scan_dumb seq_scan",
		"runs SQL that is given as text": "query query_table summary json_execute_serialized_sql histogram_values " +
			"json_serialize_sql json_serialize_plan json_deserialize_sql check_peg_parser sql_auto_complete",
		"tells about the engine's settings and files": "current_setting getvariable get_block_size which_secret version current_query current_query_id " +
			"current_connection_id current_transaction_id txid_current current_schemas in_search_path " +
			"duckdb_approx_database_count duckdb_columns duckdb_connection_count duckdb_constraints duckdb_coordinate_systems duckdb_databases " +
			"duckdb_dependencies duckdb_extensions duckdb_external_file_cache duckdb_functions duckdb_indexes duckdb_keywords duckdb_log_contexts " +
			"duckdb_logs duckdb_logs_parsed duckdb_memory duckdb_optimizers duckdb_prepared_statements duckdb_profiling_settings duckdb_schemas " +
			"duckdb_secret_types duckdb_secrets duckdb_sequences duckdb_settings duckdb_table_sample duckdb_tables duckdb_temporary_files duckdb_types " +
			"duckdb_variables duckdb_views pragma_collations pragma_database_size pragma_metadata_info pragma_platform pragma_show pragma_storage_info " +
			"pragma_table_info pragma_user_agent pragma_version icu_calendar_names pg_timezone_names " +
			"pg_get_viewdef pg_get_constraintdef pg_get_expr pg_conf_load_time pg_postmaster_start_time col_description obj_description shobj_description " +
			"inet_client_addr inet_client_port inet_server_addr inet_server_port map_to_pg_oid format_type format_pg_type",
		"tells about rows of other projects": "stats",
		"changes the engine's state": "nextval currval setseed write_log parse_duckdb_log_message truncate_duckdb_logs add_parquet_key all_profiling_output " +
			"enable_logging disable_logging enable_peg_parser disable_peg_parser enable_profiling disable_profiling checkpoint force_checkpoint",
		"only waits": "sleep_ms pg_sleep",
		"puts values of the lake into error texts": "error",
		"belongs to the engine's inside": "combine finalize create_sort_key vector_type constant_or_null remap_struct replace_type unpivot_list " +
			"variant_bytes_to_variant variant_normalize variant_to_parquet_variant is_histogram_other_bin icu_sort_key " +
			"__internal_compress_integral_ubigint __internal_compress_integral_uinteger __internal_compress_integral_usmallint " +
			"__internal_compress_integral_utinyint __internal_compress_string_hugeint __internal_compress_string_ubigint " +
			"__internal_compress_string_uhugeint __internal_compress_string_uinteger __internal_compress_string_usmallint " +
			"__internal_compress_string_utinyint __internal_decompress_integral_bigint __internal_decompress_integral_hugeint " +
			"__internal_decompress_integral_integer __internal_decompress_integral_smallint __internal_decompress_integral_ubigint " +
			"__internal_decompress_integral_uhugeint __internal_decompress_integral_uinteger __internal_decompress_integral_usmallint " +
			"__internal_decompress_string test_all_types test_vector_types repeat_row",
	} {
		for name := range strings.FieldsSeq(names) {
			refused[name] = why
		}
	}
}

// tableFunctions are those that may stand after FROM.
var tableFunctions = map[string]bool{
	"range": true, "generate_series": true, "unnest": true, "json_each": true, "json_tree": true, "repeat": true,
}

// functions are the names that a statement may call in an expression.
type functions map[string]bool

var knownFunctions = sync.OnceValue(func() functions {
	known := functions{"unnest": true} // DuckDB's binder knows it, its catalogue does not
	for line := range strings.Lines(harmless) {
		if strings.HasPrefix(line, "# ") {
			continue
		}
		for name := range strings.FieldsSeq(line) {
			known[lower(name)] = true
		}
	}
	return known
})
