"""Where batch data comes from: folder, zip, single files, the synthetic generator, Kaggle."""
