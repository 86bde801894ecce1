"""The units of ``{{convert}}``, one a line: codes, symbol (a star for none), name, plural (with s where empty), measure, size, default target.

Sizes are those of the International System of Units, the international yard and pound agreement of 1959, and the definitions of the
customary units: https://www.nist.gov/pml/owm/nist-guide-si-appendix-b8. Default targets: https://en.wikipedia.org/wiki/Template:Convert.
"""

UNITS = """
    m|m|metre||length|1|ft
    mm|mm|millimetre||length|0.001|in
    cm|cm|centimetre||length|0.01|in
    dm|dm|decimetre||length|0.1|in
    km|km|kilometre||length|1000|mi
    um,µm,μm|μm|micrometre||length|1e-6|in
    nm|nm|nanometre||length|1e-9|in
    in|in|inch|inches|length|0.0254|mm
    ft,feet,foot|ft|foot|feet|length|0.3048|m
    yd,yards|yd|yard||length|0.9144|m
    mi,mile,miles|mi|mile||length|1609.344|km
    nmi,NM|nmi|nautical mile||length|1852|km mi
    furlong|*|furlong||length|201.168|m
    chain,chains|*|chain||length|20.1168|m
    rod,rods|*|rod||length|5.0292|m
    fathom,fathoms|*|fathom||length|1.8288|m
    league,leagues|*|league||length|4828.032|km
    ly|ly|light-year||length|9.4607304725808e15|pc
    pc|pc|parsec||length|3.0856775814914e16|ly
    kpc|kpc|kiloparsec||length|3.0856775814914e19|kly
    Mpc|Mpc|megaparsec||length|3.0856775814914e22|Mly
    kly|kly|kilolight-year||length|9.4607304725808e18|kpc
    Mly|Mly|megalight-year||length|9.4607304725808e21|Mpc
    AU,au|AU|astronomical unit||length|149597870700|km
    thou,mil|thou|thou|thou|length|0.0000254|mm
    m2,sqm,m²|m2|square metre||area|1|sqft
    cm2,sqcm|cm2|square centimetre||area|0.0001|sqin
    mm2,sqmm|mm2|square millimetre||area|0.000001|sqin
    km2,sqkm,km²|km2|square kilometre||area|1000000|sqmi
    ha,hectare,hectares|ha|hectare||area|10000|acre
    dunam|dunam|dunam||area|1000|km2
    acre,acres,ac|*|acre||area|4046.8564224|ha
    sqft,ft2,sqfoot,square foot,square feet|sq ft|square foot|square feet|area|0.09290304|m2
    sqin,in2|sq in|square inch|square inches|area|0.00064516|cm2
    sqyd,yd2|sq yd|square yard||area|0.83612736|m2
    sqmi,mi2,sqmile,square mile,square miles|sq mi|square mile||area|2589988.110336|km2
    sqnmi|sq nmi|square nautical mile||area|3429904|km2
    m3,cum|m3|cubic metre||volume|1|cuft
    cm3,cc|cm3|cubic centimetre||volume|0.000001|cuin
    mm3|mm3|cubic millimetre||volume|1e-9|cuin
    dm3|dm3|cubic decimetre||volume|0.001|cuin
    km3|km3|cubic kilometre||volume|1e9|cumi
    L,l,litre,litres,liter|L|litre||volume|0.001|impgal USgal
    mL,ml|mL|millilitre||volume|0.000001|impoz USoz
    cL,cl|cL|centilitre||volume|0.00001|impoz USoz
    dL|dL|decilitre||volume|0.0001|impoz USoz
    hL|hL|hectolitre||volume|0.1|impgal USgal
    kL|kL|kilolitre||volume|1|cuft
    ML|ML|megalitre||volume|1000|e6cuft
    cuft,ft3|cu ft|cubic foot|cubic feet|volume|0.028316846592|m3
    cuin,in3,CID,CUIN|cu in|cubic inch|cubic inches|volume|0.000016387064|cc
    cuyd,yd3|cu yd|cubic yard||volume|0.764554857984|m3
    cumi,mi3|cu mi|cubic mile||volume|4168181825.440579584|km3
    acre.ft,acre.foot,acre-foot,acre-feet,acre·ft|acre⋅ft|acre-foot|acre-feet|volume|1233.48183754752|m3
    USgal,U.S.gal,usgal,US gal,gal|US gal|US gallon||volume|0.003785411784|L impgal
    impgal,imp gal|imp gal|imperial gallon||volume|0.00454609|L USgal
    USqt|US qt|US quart||volume|0.000946352946|L
    impqt|imp qt|imperial quart||volume|0.0011365225|L
    USpt|US pt|US pint||volume|0.000473176473|L
    imppt|imp pt|imperial pint||volume|0.00056826125|L
    USoz,USfloz,usfloz|US fl oz|US fluid ounce||volume|0.0000295735295625|mL
    impoz,impfloz|imp fl oz|imperial fluid ounce||volume|0.0000284130625|mL
    oilbbl,bbl|bbl|barrel||volume|0.158987294928|m3
    USbsh,USbu|US bsh|US bushel||volume|0.03523907016688|L
    impbsh,impbu|imp bsh|imperial bushel||volume|0.03636872|L
    kg|kg|kilogram||mass|1|lb
    g|g|gram||mass|0.001|oz
    mg|mg|milligram||mass|0.000001|gr
    ug,µg,μg|μg|microgram||mass|1e-9|gr
    t,tonne,tonnes,MT|t|tonne||mass|1000|LT ST
    kt|kt|kilotonne||mass|1000000|LT ST
    Mt|Mt|megatonne||mass|1000000000|LT ST
    lb,lbs,lbm,pound,pounds|lb|pound||mass|0.45359237|kg
    oz|oz|ounce||mass|0.028349523125|g
    gr,grain|gr|grain||mass|0.00006479891|g
    st,stone|st|stone|stone|mass|6.35029318|lb kg
    cwt,longcwt|long cwt|long hundredweight|long hundredweight|mass|50.80234544|lb kg
    shortcwt|short cwt|short hundredweight|short hundredweight|mass|45.359237|lb kg
    LT,long ton,long tons|*|long ton||mass|1016.0469088|t ST
    ST,short ton,short tons,ton|*|short ton||mass|907.18474|t LT
    ozt,troy oz|ozt|troy ounce||mass|0.0311034768|g
    lbt|troy lb|troy pound||mass|0.3732417216|kg
    carat|*|carat||mass|0.0002|g
    m/s|m/s|metre per second|metres per second|speed|1|ft/s
    km/s|km/s|kilometre per second|kilometres per second|speed|1000|mi/s
    mi/s|mi/s|mile per second|miles per second|speed|1609.344|km/s
    km/h,kph,kmh,kmph|km/h|kilometre per hour|kilometres per hour|speed|0.2777777777777778|mph
    mph,mi/h|mph|mile per hour|miles per hour|speed|0.44704|km/h
    kn,knot,knots,kt(speed)|kn|knot||speed|0.5144444444444445|km/h mph
    ft/s|ft/s|foot per second|feet per second|speed|0.3048|m/s
    ft/min|ft/min|foot per minute|feet per minute|speed|0.00508|m/min
    m/min|m/min|metre per minute|metres per minute|speed|0.016666666666666666|ft/min
    mm/h|mm/h|millimetre per hour|millimetres per hour|speed|2.777777777777778e-7|in/h
    in/h|in/h|inch per hour|inches per hour|speed|7.055555555555556e-6|mm/h
    cm/s|cm/s|centimetre per second|centimetres per second|speed|0.01|in/s
    in/s|in/s|inch per second|inches per second|speed|0.0254|mm/s
    mm/s|mm/s|millimetre per second|millimetres per second|speed|0.001|in/s
    m/s2|m/s2|metre per second squared|metres per second squared|acceleration|1|ft/s2
    ft/s2|ft/s2|foot per second squared|feet per second squared|acceleration|0.3048|m/s2
    g0|g0|standard gravity|standard gravities|acceleration|9.80665|m/s2
    W|W|watt||power|1|hp
    kW|kW|kilowatt||power|1000|hp
    MW|MW|megawatt||power|1000000|hp
    GW|GW|gigawatt||power|1000000000|hp
    hp,bhp|hp|horsepower|horsepower|power|745.69987158227|kW
    PS|PS|metric horsepower|metric horsepower|power|735.49875|kW
    shp|shp|shaft horsepower|shaft horsepower|power|745.69987158227|kW
    ihp|ihp|indicated horsepower|indicated horsepower|power|745.69987158227|kW
    J|J|joule||energy|1|cal
    kJ|kJ|kilojoule||energy|1000|kcal
    MJ|MJ|megajoule||energy|1000000|kWh
    GJ|GJ|gigajoule||energy|1000000000|kWh
    cal|cal|calorie||energy|4.184|J
    kcal,Cal|kcal|kilocalorie||energy|4184|kJ
    kWh,kW.h|kWh|kilowatt-hour||energy|3600000|MJ
    MWh|MWh|megawatt-hour||energy|3600000000|GJ
    GWh|GWh|gigawatt-hour||energy|3600000000000|TJ
    TJ|TJ|terajoule||energy|1e12|GWh
    BTU,Btu,btu|BTU|British thermal unit||energy|1055.05585262|kJ
    ftlbf,ft.lbf,ft·lbf,ftlb|ft⋅lbf|foot-pound force|foot-pounds force|energy|1.3558179483314004|J
    eV|eV|electronvolt||energy|1.602176634e-19|J
    keV|keV|kiloelectronvolt||energy|1.602176634e-16|J
    MeV|MeV|megaelectronvolt||energy|1.602176634e-13|J
    N|N|newton||force|1|lbf
    kN|kN|kilonewton||force|1000|lbf
    MN|MN|meganewton||force|1000000|lbf
    lbf|lbf|pound-force|pounds-force|force|4.4482216152605|N
    kgf|kgf|kilogram-force|kilograms-force|force|9.80665|lbf
    Nm,N.m,N·m,N⋅m|N⋅m|newton-metre||torque|1|lbft
    lbft,lb.ft,lbfft,lbf.ft,lb·ft,lbf·ft|lb⋅ft|pound-foot|pound-feet|torque|1.3558179483314004|Nm
    kgm,kgf.m|kg⋅m|kilogram metre||torque|9.80665|Nm lbft
    Pa|Pa|pascal||pressure|1|psi
    hPa|hPa|hectopascal||pressure|100|inHg
    kPa|kPa|kilopascal||pressure|1000|psi
    MPa|MPa|megapascal||pressure|1000000|psi
    GPa|GPa|gigapascal||pressure|1000000000|psi
    bar|bar|bar||pressure|100000|psi
    mbar,mb|mbar|millibar||pressure|100|inHg
    atm|atm|standard atmosphere||pressure|101325|kPa
    psi|psi|pound per square inch|pounds per square inch|pressure|6894.757293168|kPa
    inHg|inHg|inch of mercury|inches of mercury|pressure|3386.388640341|kPa
    mmHg|mmHg|millimetre of mercury|millimetres of mercury|pressure|133.322387415|kPa
    torr,Torr|torr|torr|torr|pressure|133.32236842105263|kPa
    g/cm3,g/cc|g/cm3|gram per cubic centimetre|grams per cubic centimetre|density|1000|lb/cuin
    kg/m3|kg/m3|kilogram per cubic metre|kilograms per cubic metre|density|1|lb/cuyd
    lb/cuin,lb/in3|lb/cu in|pound per cubic inch|pounds per cubic inch|density|27679.904710203|g/cm3
    lb/cuft,lb/ft3|lb/cu ft|pound per cubic foot|pounds per cubic foot|density|16.018463373960|kg/m3
    lb/cuyd|lb/cu yd|pound per cubic yard|pounds per cubic yard|density|0.59327642110963|kg/m3
    g/L|g/L|gram per litre|grams per litre|density|1|lb/cuin
    kg/m|kg/m|kilogram per metre|kilograms per metre|linear density|1|lb/yd
    lb/yd|lb/yd|pound per yard|pounds per yard|linear density|0.49605465879265|kg/m
    lb/ft|lb/ft|pound per foot|pounds per foot|linear density|1.4881639763780|kg/m
    kg/m2|kg/m2|kilogram per square metre|kilograms per square metre|surface density|1|lb/sqft
    lb/sqft|lb/sq ft|pound per square foot|pounds per square foot|surface density|4.8824276363831|kg/m2
    kg/ha|kg/ha|kilogram per hectare|kilograms per hectare|surface density|0.0001|lb/acre
    lb/acre|lb/acre|pound per acre|pounds per acre|surface density|0.00011208511561944|kg/ha
    t/ha|t/ha|tonne per hectare|tonnes per hectare|surface density|0.1|LT/acre ST/acre
    m3/s|m3/s|cubic metre per second|cubic metres per second|flow|1|cuft/s
    cuft/s,ft3/s,cufoot/s|cu ft/s|cubic foot per second|cubic feet per second|flow|0.028316846592|m3/s
    m3/d|m3/d|cubic metre per day|cubic metres per day|flow|1.1574074074074073e-5|cuft/d
    cuft/d|cu ft/d|cubic foot per day|cubic feet per day|flow|3.2774127999999997e-7|m3/d
    L/s|L/s|litre per second|litres per second|flow|0.001|cuft/s
    USgal/min|US gal/min|US gallon per minute|US gallons per minute|flow|6.30901964e-5|L/min
    L/min|L/min|litre per minute|litres per minute|flow|1.6666666666666667e-5|USgal/min
    bbl/d,oilbbl/d|bbl/d|barrel per day|barrels per day|flow|1.8401307283333e-6|m3/d
    /km2,/sqkm|/km2|per square kilometre|per square kilometre|population density|1|/sqmi
    PD/km2,PD/sqkm|/km2|inhabitants per square kilometre|inhabitants per square kilometre|population density|1|PD/sqmi
    /sqmi,/mi2|/sq mi|per square mile|per square mile|population density|0.38610215854245|/km2
    PD/sqmi|/sq mi|inhabitants per square mile|inhabitants per square mile|population density|0.38610215854245|PD/km2
    /ha,PD/ha|/ha|inhabitants per hectare|inhabitants per hectare|population density|100|PD/acre
    /acre,PD/acre|/acre|inhabitants per acre|inhabitants per acre|population density|247.10538146717|PD/ha
    mpgus,mpgUS|mpg‑US|mile per US gallon|miles per US gallon|fuel|inverse 235.214583|L/100 km mpgimp
    mpgimp|mpg‑imp|mile per imperial gallon|miles per imperial gallon|fuel|inverse 282.480936|L/100 km mpgus
    L/100 km,L/100km,l/100 km,l/100km|L/100 km|litre per 100 kilometres|litres per 100 kilometres|fuel|1|mpgimp mpgus
    km/L,km/l|km/L|kilometre per litre|kilometres per litre|fuel|inverse 100|mpgimp mpgus
    s|s|second||time|1|min
    min|min|minute||time|60|s
    h,hr|h|hour||time|3600|min
    d,day,days|d|day||time|86400|h
    Hz|Hz|hertz|hertz|frequency|1|rpm
    rpm|rpm|revolution per minute|revolutions per minute|frequency|0.016666666666666666|Hz
    °C-change,C-change|°C|degree Celsius change|degrees Celsius change|temperature change|1|F-change
    F-change,°F-change|°F|degree Fahrenheit change|degrees Fahrenheit change|temperature change|0.5555555555555556|C-change
    koilbbl|kbbl|thousand barrels|thousand barrels|volume|158.987294928|e3m3
    Moilbbl|Mbbl|million barrels|million barrels|volume|158987.294928|e6m3
    Goilbbl|Gbbl|billion barrels|billion barrels|volume|158987294.928|e9m3
    koilbbl/d|kbbl/d|thousand barrels per day|thousand barrels per day|flow|0.0018401307283333|e3m3/d
    Moilbbl/d|Mbbl/d|million barrels per day|million barrels per day|flow|1.8401307283333|e6m3/d
    Tcuft|×10^12 cu ft|trillion cubic feet|trillion cubic feet|volume|28316846592|e9m3
    Gcuft|×10^9 cu ft|billion cubic feet|billion cubic feet|volume|28316846.592|e6m3
    Mcuft|×10^6 cu ft|million cubic feet|million cubic feet|volume|28316.846592|e6m3
    MUSgal|×10^6 US gal|million US gallons|million US gallons|volume|3785.411784|ML
    Mimpgal|×10^6 imp gal|million imperial gallons|million imperial gallons|volume|4546.09|ML
    smi|mi|statute mile||length|1609.344|km
"""
