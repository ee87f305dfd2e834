# Where images lie. Tags do not move; what nobody has a tag on goes after a month.
resource "google_artifact_registry_repository" "images" {
  repository_id = "armazem"
  description   = "Images of the server and of the pipeline."
  location      = var.region
  format        = "DOCKER"
  docker_config {
    immutable_tags = true
  }
  cleanup_policies {
    id     = "untagged"
    action = "DELETE"
    condition {
      tag_state  = "UNTAGGED"
      older_than = "2592000s"
    }
  }
  depends_on = [google_project_service.used]
}

resource "google_artifact_registry_repository_iam_member" "worker" {
  repository = google_artifact_registry_repository.images.id
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.account["worker"].member
}
