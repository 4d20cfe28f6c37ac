"""Singulars and plurals that people of the field write, in the three languages, divided by a stroke."""

from typing import Final

from schemas.language import Language

_PAIRS: Final[dict[Language, str]] = {
    "en": """
        city/cities woman/women man/men child/children policy/policies strategy/strategies study/studies
        community/communities municipality/municipalities authority/authorities country/countries
        family/families facility/facilities utility/utilities property/properties activity/activities
        charity/charities economy/economies bus/buses tax/taxes process/processes address/addresses
        business/businesses success/successes bench/benches beach/beaches church/churches crash/crashes
        bush/bushes fish/fishes house/houses service/services resource/resources practice/practices
        place/places space/spaces office/offices village/villages bridge/bridges garbage/garbages life/lives
        wife/wives leaf/leaves roof/roofs shelf/shelves half/halves hero/heroes potato/potatoes photo/photos
        tree/trees street/streets park/parks school/schools river/rivers flood/floods worker/workers job/jobs
        neighbourhood/neighbourhoods neighborhood/neighborhoods settlement/settlements building/buildings
        dwelling/dwellings vehicle/vehicles bicycle/bicycles pedestrian/pedestrians refugee/refugees
        migrant/migrants analysis/analyses basis/bases crisis/crises criterion/criteria datum/data
        medium/media index/indices indicator/indicators target/targets goal/goals mayor/mayors
        council/councils councillor/councillors region/regions nation/nations emission/emissions
        pollutant/pollutants landfill/landfills sewer/sewers metro/metros tram/trams cableway/cableways
        greenhouse/greenhouses wetland/wetlands waterway/waterways key/keys survey/surveys day/days toy/toys
        survivor/survivors victim/victims carer/carers nurse/nurses foot/feet person/people ox/oxen mouse/mice
    """,
    "es": """
        ciudad/ciudades mujer/mujeres hombre/hombres niño/niños niña/niñas autobús/autobuses luz/luces
        animal/animales red/redes pared/paredes calle/calles parque/parques árbol/árboles bosque/bosques
        río/ríos puente/puentes barrio/barrios comunidad/comunidades municipio/municipios
        ayuntamiento/ayuntamientos alcalde/alcaldes alcaldesa/alcaldesas alcaldía/alcaldías país/países
        región/regiones nación/naciones gestión/gestiones acción/acciones inundación/inundaciones
        emisión/emisiones decisión/decisiones inversión/inversiones solución/soluciones población/poblaciones
        estación/estaciones edificación/edificaciones vivienda/viviendas hogar/hogares lugar/lugares mar/mares
        taller/talleres sector/sectores trabajador/trabajadores trabajadora/trabajadoras
        recicladora/recicladoras reciclador/recicladores joven/jóvenes orden/órdenes imagen/imágenes
        crimen/crímenes jardín/jardines camión/camiones tren/trenes tranvía/tranvías teleférico/teleféricos
        metrocable/metrocables bicicleta/bicicletas ciclovía/ciclovías peatón/peatones vez/veces juez/jueces
        paz/paces raíz/raíces lápiz/lápices crisis/crisis tesis/tesis mes/meses interés/intereses
        residuo/residuos basura/basuras vertedero/vertederos agua/aguas alcantarilla/alcantarillas
        energía/energías política/políticas ley/leyes plan/planes programa/programas problema/problemas
        sistema/sistemas clima/climas presupuesto/presupuestos impuesto/impuestos indicador/indicadores
        meta/metas objetivo/objetivos derecho/derechos violencia/violencias refugio/refugios
        migrante/migrantes guardería/guarderías escuela/escuelas hospital/hospitales mercado/mercados
        techo/techos azotea/azoteas huerto/huertos huerta/huertas colonia/colonias favela/favelas
        asentamiento/asentamientos bus/buses servicio/servicios uso/usos suelo/suelos edificio/edificios
        cuidadora/cuidadoras víctima/víctimas género/géneros actor/actores voz/voces matiz/matices
    """,
    "fr": """
        travail/travaux déchet/déchets eau/eaux réseau/réseaux animal/animaux ville/villes femme/femmes
        homme/hommes enfant/enfants quartier/quartiers commune/communes communauté/communautés
        métropole/métropoles rue/rues route/routes pont/ponts parc/parcs jardin/jardins arbre/arbres
        forêt/forêts rivière/rivières fleuve/fleuves inondation/inondations émission/émissions région/régions
        nation/nations décision/décisions action/actions politique/politiques stratégie/stratégies loi/lois
        plan/plans projet/projets programme/programmes maire/maires mairie/mairies élu/élus élue/élues
        habitant/habitants habitante/habitantes citoyen/citoyens citoyenne/citoyennes logement/logements
        bâtiment/bâtiments immeuble/immeubles maison/maisons école/écoles crèche/crèches hôpital/hôpitaux
        canal/canaux local/locaux journal/journaux capital/capitaux signal/signaux municipal/municipaux
        social/sociaux régional/régionaux national/nationaux tribunal/tribunaux cheval/chevaux niveau/niveaux
        bureau/bureaux bateau/bateaux château/châteaux gâteau/gâteaux lieu/lieux milieu/milieux enjeu/enjeux
        jeu/jeux feu/feux vœu/vœux bail/baux vitrail/vitraux bijou/bijoux genou/genoux vélo/vélos
        piéton/piétons tramway/tramways métro/métros bus/bus téléphérique/téléphériques prix/prix voix/voix
        choix/choix taux/taux service/services place/places espace/espaces énergie/énergies toit/toits
        toiture/toitures marché/marchés emploi/emplois impôt/impôts budget/budgets indicateur/indicateurs
        objectif/objectifs cible/cibles droit/droits violence/violences victime/victimes réfugié/réfugiés
        réfugiée/réfugiées migrant/migrants travailleuse/travailleuses travailleur/travailleurs acteur/acteurs
        œil/yeux ciel/cieux œuf/œufs sol/sols usage/usages pays/pays mois/mois
    """,
}  # fmt: skip

PAIRS: Final[list[tuple[Language, str, str]]] = [
    (language, one, many)
    for language, text in _PAIRS.items()
    for one, many in (pair.split("/") for pair in text.split())
]
