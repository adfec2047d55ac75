"""Functions that a declared statement may call: those that only compute. Others must be allowed by name.

Functions that the parser knows by itself (sums, casts, texts, dates) are all of that kind; this list holds the rest.
"""

from __future__ import annotations

_SQLITE = """
changes char concat_ws format glob hex iif instr json_array json_array_insert json_array_length json_each
json_error_position json_extract json_group_array json_group_object json_insert json_object json_patch json_pretty
json_quote json_remove json_replace json_set json_tree json_type json_valid julianday last_insert_rowid likelihood
likely ltrim octet_length printf quote rtrim sign soundex timediff total trim typeof unhex unicode unixepoch unlikely
bm25 highlight snippet
"""
_POSTGRES = """
age array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position array_positions
array_prepend array_remove array_replace array_to_json array_to_string array_upper ascii btrim cardinality
clock_timestamp date_bin date_part decode digest div encode every factorial format gcd gen_random_uuid get_bit get_byte
hashtext host initcap isfinite json_agg json_array_elements json_array_elements_text json_array_length
json_build_array json_build_object json_each json_each_text json_object json_object_agg json_object_keys
json_populate_record json_strip_nulls json_to_record json_to_recordset json_typeof jsonb_agg jsonb_array_elements
jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text
jsonb_insert jsonb_object jsonb_object_agg jsonb_object_keys jsonb_path_exists jsonb_path_query
jsonb_path_query_array jsonb_path_query_first jsonb_pretty jsonb_set jsonb_strip_nulls jsonb_to_record
jsonb_to_recordset jsonb_typeof justify_days justify_hours justify_interval lcm left lower_inc lower_inf make_date
make_interval make_time make_timestamp make_timestamptz min_scale mode multirange normalize num_nonnulls num_nulls
numrange int4range int8range tsrange tstzrange daterange overlay parse_ident plainto_tsquery phraseto_tsquery
pg_typeof quote_ident quote_literal quote_nullable range_agg range_merge regexp_count regexp_instr regexp_like
regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr right row_to_json
scale setweight similarity sha224 sha256 sha384 sha512 split_part starts_with string_to_array string_to_table strip
to_ascii to_hex to_json to_jsonb to_tsquery to_tsvector translate trim_array trim_scale ts_headline ts_rank ts_rank_cd
tsvector_to_array unaccent unnest upper_inc upper_inf websearch_to_tsquery width_bucket word_similarity
"""
_MYSQL = """
addtime adddate aes_decrypt aes_encrypt bin bit_count bit_length char_length character_length compress conv convert_tz
crc32 cume_dist curtime datediff dayname degrees elt export_set field find_in_set format from_base64 from_days
from_unixtime get_format hex inet6_aton inet6_ntoa inet_aton inet_ntoa insert instr interval isnull json_array
json_array_append json_array_insert json_arrayagg json_compact json_contains json_contains_path json_depth json_detailed
json_exists json_extract json_insert json_keys json_length json_loose json_merge_patch json_merge_preserve json_object
json_objectagg json_query json_quote json_remove json_replace json_search json_set json_type json_unquote json_valid
json_value last_insert_id locate log2 log10 lpad ltrim make_set makedate maketime md5 microsecond mid octet_length ord
period_add period_diff pi quote radians regexp_instr regexp_replace regexp_substr repeat reverse rpad rtrim sec_to_time
sha sha1 sha2 sign soundex space std strcmp subdate substring_index subtime sysdate time_format time_to_sec timediff
timestampadd timestampdiff to_base64 to_days to_seconds truncate uncompress unhex unix_timestamp utc_date utc_time
utc_timestamp uuid_short weekday weekofyear yearweek
"""

_DUCKDB = """
age any_value arg_max_null arg_min_null array_aggregate array_append array_apply array_cat array_contains array_filter
array_has array_has_all array_has_any array_indexof array_intersect array_length array_pop_back array_prepend
array_push_back array_reduce array_reverse array_reverse_sort array_slice array_sort array_to_json array_to_string
array_transform array_unique bar bit_count bitstring_agg cardinality cbrt century chr concat_ws contains current_date
damerau_levenshtein date_add date_diff date_part date_sub datediff datepart datesub datetrunc dayname decade
degrees editdist3 element_at entropy epoch epoch_ms epoch_us epoch_ns era even factorial favg flatten format fsum
gcd greatest_common_divisor hamming histogram ilike_escape isfinite isinf isnan isodow isoyear jaccard
jaro_similarity jaro_winkler_similarity json_array json_array_length json_contains json_exists json_extract
json_extract_string json_group_array json_group_object json_keys json_object json_quote json_structure json_type
json_valid json_value julian kahan_sum kurtosis kurtosis_pop last_day lcm least_common_multiple len len_split lgamma
like_escape list_aggregate list_any_value list_append list_avg list_cat list_concat list_contains list_count
list_distinct list_dot_product list_element list_extract list_filter list_first list_has list_has_all list_has_any
list_indexof list_intersect list_last list_max list_median list_min list_mode list_position list_prepend list_reduce
list_resize list_reverse list_reverse_sort list_select list_slice list_sort list_sum list_transform list_unique
list_value list_zip ltrim mad make_date make_time make_timestamp map map_entries map_extract map_from_entries map_keys
map_values md5_number microsecond millennium millisecond mismatches mode monthname nextafter nfc_normalize ord
parse_dirname parse_filename parse_path parse_dirpath pow printf product quantile_disc radians range regexp_escape
regexp_extract_all regexp_full_match regexp_matches reservoir_quantile right_grapheme round_even roundbankers row
rtrim sem sha1 sha256 signbit skewness stem string_split string_split_regex string_to_array strip_accents strlen
strptime struct_extract struct_insert struct_pack sumkahan timetz_byte_comparable timezone_hour timezone_minute
to_base to_centuries to_days to_decades to_hours to_json to_microseconds to_milliseconds to_millennia to_minutes
to_months to_quarters to_seconds to_timestamp to_weeks to_years translate trunc try_strptime typeof unbin unicode
union_extract union_tag union_value url_decode url_encode uuid_extract_timestamp vector_type width_bucket xor yearweek
"""

_TSQL = """
acos asin atan atn2 binary_checksum bit_count checksum choose cot cume_dist datalength datediff_big datefromparts
datename datetime2fromparts datetimefromparts datetimeoffsetfromparts datetrunc degrees difference eomonth format
getutcdate grouping_id hashbytes isdate isjson isnumeric json_array json_modify json_object json_path_exists json_query
json_value ltrim nchar newid patindex percent_rank pi quotename radians reverse rtrim scope_identity sign
smalldatetimefromparts soundex space square str string_escape string_split stuff switchoffset sysdatetime
sysdatetimeoffset sysutcdatetime timefromparts todatetimeoffset translate try_convert try_parse unicode
"""

_FIREBIRD = """
abs acos ascii_char ascii_val asin atan atan2 bin_and bin_not bin_or bin_shl bin_shr bin_xor bit_length ceil ceiling
char_length character_length char_to_uuid cos cosh cot corr covar_pop covar_samp cume_dist dateadd datediff decode exp
first_day floor gen_uuid hash iif last_day left list ln log log10 lpad maxvalue minvalue mod octet_length overlay
percent_rank pi position power rand replace reverse right round rpad sign sin sinh sqrt tan tanh trunc uuid_to_char
"""

HARMLESS: dict[str, frozenset[str]] = {
    "sqlite": frozenset(_SQLITE.split()),
    "postgres": frozenset(_POSTGRES.split()),
    "mysql": frozenset(_MYSQL.split()),
    "duckdb": frozenset(_DUCKDB.split()),
    "tsql": frozenset(_TSQL.split()),
    "firebird": frozenset(_FIREBIRD.split()),
}
"""By kind of database, in lower case."""
