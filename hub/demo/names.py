"""Words for people and places that nobody bears: plants for given names, stones and weather for family names."""

from hub.demo.columns import words

GIVEN = words(
    "Acacia Alder Amaranth Anise Aspen Aster Balsam Basil Bergamot Betony Borage Bracken Briar Bryony Burdock "
    "Camellia Campion Caraway Cassia Cedar Celandine Chervil Chicory Cicely Clover Columbine Comfrey Coriander "
    "Cowslip Cypress Dahlia Damson Dittany Elder Fennel Fern Feverfew Foxglove Gentian Hawthorn Hazel Heather "
    "Hyssop Juniper Larch Larkspur Laurel Lavender Linden Lobelia Lovage Lupin Madder Mallow Marigold Marjoram "
    "Medlar Melilot Mimosa Mullein Myrtle Nettle Oleander Orris Oxlip Pansy Pimpernel Quince Rowan Rue Saffron "
    "Samphire Sorrel Speedwell Spruce Sumac Sycamore Tamarisk Tansy Tarragon Teasel Thistle Thyme Valerian "
    "Verbena Vetch Willow Woodruff Yarrow Zinnia"
)

FAMILY_START = words(
    "Agate Amber Ash Basalt Beryl Cinder Clay Cloud Copper Coral Dew Dusk Ember Feldspar Flint Frost Garnet "
    "Gneiss Granite Hail Ice Jasper Loam Marble Mica Mist Moon Moss Onyx Opal Peat Quartz Rain Ridge Sand Schist "
    "Shale Slate Snow Spinel Star Storm Talc Thunder Topaz Tuff Wind Zircon"
)

FAMILY_END = words(
    "barrow beck bourne brook combe crest dale dell fell field ford gate glen grove hollow holt hurst keld lea "
    "march mere mond moor more ness ridge rigg shaw stead stone stream thwaite vale wald water well wick wold "
    "wood wright"
)

FAMILY = tuple(start + end for start in FAMILY_START for end in FAMILY_END)

SCHOOL = words(
    "Alabaster Azurite Birchbark Bluebell Calcite Chalcedony Cornflower Dogwood Edelweiss Fluorite Galena "
    "Goldenrod Harebell Hematite Hornbeam Ironwood Jadeite Kunzite Lapis Malachite Meadowsweet Moonstone Obsidian "
    "Olivine Peridot Primrose Pumice Pyrite Redwood Rhodonite Sandstone Selenite Serpentine Silverbirch Snowdrop "
    "Sunstone Toadflax Travertine Turquoise Wulfenite"
)
