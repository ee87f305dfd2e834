"""The federative units of Brazil, and the middle of each: plain geography, for maps of data that have no points.

Names and codes are those of IBGE. The middles are those of the table `estados.csv` of
github.com/kelvins/municipios-brasileiros, in degrees with two decimals: good to some kilometres, which is less than the
width of a bubble on a map of the country.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class State:
    """A federative unit: `latitude` and `longitude` of its middle, in degrees."""

    code: str
    name: str
    latitude: float
    longitude: float


STATES: Mapping[str, State] = {
    state.code: state
    for state in (
        State("AC", "Acre", -8.77, -70.55),
        State("AL", "Alagoas", -9.62, -36.82),
        State("AM", "Amazonas", -3.47, -65.10),
        State("AP", "Amapá", 1.41, -51.77),
        State("BA", "Bahia", -13.29, -41.71),
        State("CE", "Ceará", -5.20, -39.53),
        State("DF", "Distrito Federal", -15.83, -47.86),
        State("ES", "Espírito Santo", -19.19, -40.34),
        State("GO", "Goiás", -15.98, -49.86),
        State("MA", "Maranhão", -5.42, -45.44),
        State("MG", "Minas Gerais", -18.10, -44.38),
        State("MS", "Mato Grosso do Sul", -20.51, -54.54),
        State("MT", "Mato Grosso", -12.64, -55.42),
        State("PA", "Pará", -3.79, -52.48),
        State("PB", "Paraíba", -7.28, -36.72),
        State("PE", "Pernambuco", -8.38, -37.86),
        State("PI", "Piauí", -6.60, -42.28),
        State("PR", "Paraná", -24.89, -51.55),
        State("RJ", "Rio de Janeiro", -22.25, -42.66),
        State("RN", "Rio Grande do Norte", -5.81, -36.59),
        State("RO", "Rondônia", -10.83, -63.34),
        State("RR", "Roraima", 1.99, -61.33),
        State("RS", "Rio Grande do Sul", -30.17, -53.50),
        State("SC", "Santa Catarina", -27.45, -50.95),
        State("SE", "Sergipe", -10.57, -37.45),
        State("SP", "São Paulo", -22.19, -48.79),
        State("TO", "Tocantins", -9.46, -48.26),
    )
}
"""By code."""
