"""The dashboard that `armazem serve` shows at `/`: NiceGUI pages over the published version and the live figures."""
