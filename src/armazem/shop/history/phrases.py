"""What customers write: sentences put together at random, in the Portuguese of shop reviews."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Tone(NamedTuple):
    """Titles and the two halves of a message, for happy, lukewarm or angry customers."""

    titles: tuple[str, ...]
    openings: tuple[str, ...]
    endings: tuple[str, ...]


HAPPY = Tone(
    (
        "Recomendo",
        "Super recomendo",
        "Ótimo",
        "Muito bom",
        "Excelente",
        "Perfeito!",
        "Nota 10",
        "Satisfeita",
        "Adorei",
    ),
    (
        "Produto de ótima qualidade",
        "Chegou antes do prazo",
        "Entrega rápida e bem embalada",
        "Gostei muito da compra",
        "Veio tudo certinho, conforme o anúncio",
        "Adorei, é lindo demais",
        "Funciona muito bem",
        "Minha mãe amou o presente",
        "Já é a segunda vez que compro",
        "Tudo perfeito, sem nenhum problema",
        "Recebi em três dias",
        "Material resistente e bonito",
    ),
    (
        "recomendo a todos.",
        "a loja está de parabéns!",
        "comprarei novamente, com certeza.",
        "superou as minhas expectativas.",
        "vale cada centavo.",
        "obrigada pela atenção!",
        "o vendedor é muito atencioso.",
        "cinco estrelas.",
        "a cor é igual à da foto.",
        "nota mil.",
    ),
)
LUKEWARM = Tone(
    ("Bom", "Regular", "Razoável", "Mais ou menos", "Poderia ser melhor", "Ok"),
    (
        "O produto é bom, mas a entrega demorou",
        "Esperava um acabamento melhor",
        "A embalagem chegou amassada",
        "É menor do que parece na foto",
        "Cumpre o que promete, nada além",
        "Recebi só uma parte do pedido",
        "A cor veio um pouco diferente",
        "O manual não veio em português",
    ),
    (
        "pelo preço está bom.",
        "não sei se compraria de novo.",
        "fora isso, tudo bem.",
        "ainda aguardo o restante.",
        "dá para usar.",
        "o frete poderia ser mais barato.",
        "vou testar mais uns dias.",
    ),
)
ANGRY = Tone(
    (
        "Não recomendo",
        "Péssimo",
        "Não recebi",
        "Decepcionada",
        "Propaganda enganosa",
        "Atraso",
        "Produto errado",
    ),
    (
        "Ainda não recebi o meu pedido",
        "O produto veio com defeito",
        "Mandaram o modelo errado",
        "Comprei dois e só veio um",
        "A qualidade é muito ruim",
        "Parou de funcionar no segundo dia",
        "Já passou do prazo e nada",
        "Chegou quebrado e sem nota fiscal",
        "Ninguém responde os meus e-mails",
        "Cancelaram a compra sem me avisar",
    ),
    (
        "quero o meu dinheiro de volta.",
        "exijo uma solução!",
        "não compro mais nesta loja.",
        "estou muito decepcionada.",
        "preciso de uma resposta urgente.",
        "quero trocar, como faço?",
        "um descaso com o cliente.",
        "perdi a data do aniversário por causa disso.",
    ),
)
TONE_OF_SCORE = {1: ANGRY, 2: ANGRY, 3: LUKEWARM, 4: HAPPY, 5: HAPPY}
EMOJI = ("😍", "👏👏👏", "😡", "👍", "❤️", "😞")
PLAIN, LINES, QUOTES, EMOTION = range(4)


def message(score: int, how: int, pick: np.random.Generator) -> str:
    """Return one comment; `how` asks for line breaks, for quotation marks or for emoji in it."""
    tone = TONE_OF_SCORE[score]
    opening, ending = (half[pick.integers(len(half))] for half in (tone.openings, tone.endings))
    if how == LINES:
        return f"{opening}.\n\n{ending.capitalize()}\nAtt."
    if how == QUOTES:
        return f'O anúncio dizia "original", e digo: "{opening.lower()}", {ending}'
    if how == EMOTION:
        return f"{opening} {EMOJI[pick.integers(len(EMOJI))]}, {ending}"
    return (f"{opening}, {ending}", f"{opening}. {ending.capitalize()}", f"{opening} ", opening)[pick.integers(4)]
