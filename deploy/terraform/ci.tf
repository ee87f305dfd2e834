# A workflow on GitHub pushes images without a key: GitHub says who asks, and Google believes it of one environment of one
# repository. Who may use that environment, and from which tags, is set on GitHub.
locals {
  ci = var.github_repository == "" ? 0 : 1
}

resource "google_iam_workload_identity_pool" "github" {
  count                     = local.ci
  workload_identity_pool_id = "armazem-github"
  display_name              = "GitHub Actions"
  depends_on                = [google_project_service.used]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  count                              = local.ci
  workload_identity_pool_id          = google_iam_workload_identity_pool.github[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  attribute_mapping                  = { "google.subject" = "assertion.sub" }
  attribute_condition                = "assertion.sub == 'repo:${var.github_repository}:environment:release'"
  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account" "ci" {
  count        = local.ci
  account_id   = "armazem-ci"
  display_name = "Armazém: pushes images from GitHub"
  depends_on   = [google_project_service.used]
}

resource "google_service_account_iam_member" "ci" {
  count              = local.ci
  service_account_id = google_service_account.ci[0].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.github[0].name}/subject/repo:${var.github_repository}:environment:release"
}

# Images, and nothing else: who deploys them is a person with `terraform apply`.
resource "google_artifact_registry_repository_iam_member" "ci" {
  count      = local.ci
  repository = google_artifact_registry_repository.images.id
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.ci[0].member
}
