terraform {
  required_version = ">= 1.9"
  required_providers {
    google = {
      source = "hashicorp/google"
      # tests/deploy checks every argument against the schema of 6.50.
      version = "~> 6.50"
    }
  }
  # State holds no secrets here, but says who may do what: keep it in a bucket of its own, with versions.
  # backend "gcs" { bucket = "…", prefix = "armazem" }
}

provider "google" {
  project = var.project
  region  = var.region
}
