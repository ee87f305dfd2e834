-- What dbt is told of a build. Loads of which somebody knows how old they are, as `load --as-of` has it, and the days of
-- orders that are to be computed again are yours to insert; without rows there are none.
create table if not exists control.load_ages (load_id varchar, as_of varchar);
create table if not exists control.build_window (start_date date, end_date date);
create table if not exists control.built_loads (load_id varchar);
