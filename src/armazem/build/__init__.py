"""One build for every target: plan, run dbt, audit, publish if all passed."""
