# Events of the shop. What cannot be read is kept by the subscriber as a dead letter with its reason, so Pub/Sub needs no
# dead-letter topic: one would take messages away that only wait for BigQuery.
resource "google_pubsub_topic" "events" {
  name       = "armazem-events"
  depends_on = [google_project_service.used]
}

resource "google_pubsub_subscription" "events" {
  name                       = "armazem-events"
  topic                      = google_pubsub_topic.events.id
  ack_deadline_seconds       = 60
  message_retention_duration = "604800s" # seven days, the most: as long may everything behind it stand still
  # Never deleted because nobody pulled.
  expiration_policy {
    ttl = ""
  }
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = var.publishers
  topic    = google_pubsub_topic.events.id
  role     = "roles/pubsub.publisher"
  member   = each.value
}

resource "google_pubsub_subscription_iam_member" "subscriber" {
  for_each     = toset(["subscriber", "worker"])
  subscription = google_pubsub_subscription.events.id
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.account[each.key].member
}

# The pipeline looks at the subscription before it starts.
resource "google_pubsub_subscription_iam_member" "viewer" {
  subscription = google_pubsub_subscription.events.id
  role         = "roles/pubsub.viewer"
  member       = google_service_account.account["worker"].member
}
