"""The product categories of the Brazilian marketplace: names, translations, and what their products are like.

71 names have an English translation; the last two are used by products but translated nowhere, as in the real
files. The English misspellings (`fashio_female_clothing`, `costruction_tools_tools`) are the real ones too.
"""

from __future__ import annotations

from typing import NamedTuple


class Category(NamedTuple):
    """A category: products of it among 32,951, typical price in BRL and typical weight in grams (medians)."""

    name: str
    english: str
    products: int
    price: float
    weight: float


def _categories(rows: str) -> tuple[Category, ...]:
    split = (line.split() for line in rows.strip().splitlines())
    return tuple(Category(pt, "" if en == "-" else en, int(n), float(p), float(w)) for pt, en, n, p, w in split)


CATEGORIES: tuple[Category, ...] = _categories("""
    beleza_saude health_beauty 2440 71 350
    informatica_acessorios computers_accessories 1640 74 300
    automotivo auto 1900 75 700
    cama_mesa_banho bed_bath_table 3030 74 1300
    moveis_decoracao furniture_decor 2660 65 1400
    esporte_lazer sports_leisure 2870 78 600
    perfumaria perfumery 870 80 330
    utilidades_domesticas housewares 2340 61 900
    telefonia telephony 1130 38 200
    relogios_presentes watches_gifts 1330 128 330
    alimentos_bebidas food_drink 104 35 700
    bebes baby 920 84 1400
    papelaria stationery 850 73 600
    tablets_impressao_imagem tablets_printing_image 9 70 300
    brinquedos toys 1410 81 900
    telefonia_fixa fixed_telephony 116 120 450
    ferramentas_jardim garden_tools 750 70 900
    fashion_bolsas_e_acessorios fashion_bags_accessories 850 56 350
    eletroportateis small_appliances 230 97 1900
    consoles_games consoles_games 317 74 300
    audio audio 58 63 350
    fashion_calcados fashion_shoes 173 64 650
    cool_stuff cool_stuff 790 116 1100
    malas_acessorios luggage_accessories 350 113 2400
    climatizacao air_conditioning 124 137 3300
    construcao_ferramentas_construcao construction_tools_construction 400 80 1000
    moveis_cozinha_area_de_servico_jantar_e_jardim kitchen_dining_laundry_garden_furniture 94 113 6500
    construcao_ferramentas_jardim costruction_tools_garden 88 59 900
    fashion_roupa_masculina fashion_male_clothing 95 68 350
    pet_shop pet_shop 720 76 1200
    moveis_escritorio office_furniture 309 142 9500
    market_place market_place 104 64 900
    eletronicos electronics 517 27 250
    eletrodomesticos home_appliances 370 56 1000
    artigos_de_festas party_supplies 26 90 700
    casa_conforto home_confort 111 110 1800
    construcao_ferramentas_ferramentas costruction_tools_tools 39 60 900
    agro_industria_e_comercio agro_industry_and_commerce 74 170 2500
    moveis_colchao_e_estofado furniture_mattress_and_upholstery 10 145 9000
    livros_tecnicos books_technical 123 52 450
    casa_construcao home_construction 225 115 1500
    instrumentos_musicais musical_instruments 289 160 1100
    moveis_sala furniture_living_room 156 114 7000
    construcao_ferramentas_iluminacao construction_tools_lights 78 104 900
    industria_comercio_e_negocios industry_commerce_and_business 68 140 1800
    alimentos food 82 44 600
    artes art 55 85 900
    moveis_quarto furniture_bedroom 45 134 9000
    livros_interesse_geral books_general_interest 216 70 500
    construcao_ferramentas_seguranca construction_tools_safety 91 160 900
    fashion_underwear_e_moda_praia fashion_underwear_beach 53 52 250
    fashion_esporte fashion_sport 19 70 300
    sinalizacao_e_seguranca signaling_and_security 93 60 700
    pcs computers 30 900 6500
    artigos_de_natal christmas_supplies 65 41 800
    fashion_roupa_feminina fashio_female_clothing 27 60 300
    eletrodomesticos_2 home_appliances_2 90 300 9000
    livros_importados books_imported 31 90 500
    bebidas drinks 81 39 900
    cine_foto cine_photo 28 45 300
    la_cuisine la_cuisine 10 130 1200
    musica music 27 66 400
    casa_conforto_2 home_comfort_2 5 38 900
    portateis_casa_forno_e_cafe small_appliances_home_oven_and_coffee 31 300 4500
    cds_dvds_musicais cds_dvds_musicals 1 45 300
    dvds_blu_ray dvds_blu_ray 48 40 250
    flores flowers 14 30 900
    artes_e_artesanato arts_and_craftmanship 19 60 500
    fraldas_higiene diapers_and_hygiene 12 40 1500
    fashion_roupa_infanto_juvenil fashion_childrens_clothes 5 60 250
    seguros_e_servicos security_and_services 2 140 500
    pc_gamer - 3 170 1200
    portateis_cozinha_e_preparadores_de_alimentos - 10 200 1800
""")
