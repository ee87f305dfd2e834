"""Where batch files come from: folder, zip, gzip, Parquet, Google Cloud Storage, Kaggle."""
