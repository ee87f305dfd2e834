-- After a build whose tests passed, and not after another: the next one takes these loads in again otherwise.
insert into control.built_loads select load_id from control.new_loads;
truncate table control.build_window;
