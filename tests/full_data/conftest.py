from tests.full_data.needs import left_out

collect_ignore = sorted(left_out())
