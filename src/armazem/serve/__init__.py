"""What readers are given over HTTP: the dashboard, the KPIs, the live figures; and the way in for events."""
