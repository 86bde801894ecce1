import pytest

from kernels.reading.parsing.wikitext.page import plain_text


def shown(arguments: str, name: str = "convert") -> str:
    return plain_text(f"{{{{{name}|{arguments}}}}}", set(), ())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("6|ft|4|in|m", "6 feet 4 inches (1.93 m)"),
        ("6|ft|4|in|cm|abbr=on", "6 ft 4 in (193 cm)"),
        ("11|st|4|lb|kg", "11 stone 4 pounds (72 kg)"),
        ("5|lb|3|oz|kg", "5 pounds 3 ounces (2.4 kg)"),
        ("1.93|m|ftin", "1.93 metres (6 ft 4 in)"),
        ("1300|mi|km", "1,300 miles (2,100 km)"),
        ("1|mi", "1 mile (1.6 km)"),
        ("3/4|in|mm", "3/4 inch (19 mm)"),
        ("2+1/2|in|mm", "2 1/2 inches (64 mm)"),
        ("123|m|ft", "123 metres (404 ft)"),
        ("75|kg|lb", "75 kilograms (165 lb)"),
        ("23|C|F", "23 °C (73 °F)"),
        ("-40|F", "-40 °F (-40 °C)"),
        ("0|C", "0 °C (32 °F)"),
        ("22|e6acre|km2", "22 million acres (89,000 km^2)"),
        ("800|koilbbl/d", "800 thousand barrels per day (130×10^3 m^3/d)"),
        ("30|mpgus|L/100 km", "30 miles per US gallon (7.8 L/100 km)"),
        ("10|nmi", "10 nautical miles (19 km; 12 mi)"),
        ("500|hp|kW", "500 horsepower (370 kW)"),
        ("37000|LT|t ST", "37,000 long tons (38,000 t; 41,000 short tons)"),
        ("5.8|PD/sqmi", "5.8 inhabitants per square mile (2.2/km^2)"),
    ],
)
def test_a_quantity_is_converted_and_rounded_to_the_precision_it_is_given_in(arguments: str, text: str):
    assert shown(arguments) == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("60|to|70|mi|km", "60 to 70 miles (97 to 113 km)"),
        ("60|and|170|kg|lb", "60 and 170 kilograms (130 and 370 lb)"),
        ("60|and(-)|80|kg", "60 and 80 kilograms (130\u2013180 lb)"),
        ("8|-|12|km|mi", "8\u201312 kilometres (5.0\u20137.5 mi)"),
        ("10|x|20|ft|m", "10 by 20 feet (3.0 m × 6.1 m)"),
        ("10|by|20|ft|m|abbr=on", "10 by 20 ft (3.0 by 6.1 m)"),
        ("10|by|20|ft|m|adj=on", "10-by-20-foot (3.0 by 6.1 m)"),
        ("1|,|2|and|3|km|mi", "1, 2 and 3 kilometres (0.62, 1.24 and 1.86 mi)"),
    ],
)
def test_the_values_of_a_range_are_as_precise_as_the_most_precise_of_them(arguments: str, text: str):
    assert shown(arguments) == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("10|mi|km|1", "10 miles (16.1 km)"),
        ("10|mi|1", "10 miles (16.1 km)"),
        ("5556|m|ft|-2", "5,556 metres (18,200 ft)"),
        ("10|mi|km|abbr=on|lk=on", "10 mi (16 km)"),
        ("10|mi|km|abbr=off", "10 miles (16 kilometres)"),
        ("10|mi|km|abbr=in", "10 mi (16 kilometres)"),
        ("10|mi|km|adj=on", "10-mile (16 km)"),
        ("1000|ft|m|sing=on", "1,000-foot (300 m)"),
        ("4000|ha|acre|adj=on", "4,000-hectare (9,900-acre)"),
        ("40|ha", "40 hectares (99 acres)"),
        ("6|ft|m|adj=mid|long", "6-foot long (1.8 m)"),
        ("10|km|mi|sp=us", "10 kilometers (6.2 mi)"),
        ("10|mi|km|order=flip", "16 kilometres (10 mi)"),
        ("10|mi|km|disp=flip|abbr=on", "16 km (10 mi)"),
        ("10|mi|km|disp=or", "10 miles or 16 km"),
        ("10|mi|km|disp=comma", "10 miles, 16 km"),
        ("10|mi|km|disp=sqbr", "10 miles [16 km]"),
        ("10|mi|km|disp=out", "16 kilometres"),
        ("10|mi|km|disp=number", "16"),
        ("10|mi|km|sigfig=4", "10 miles (16.09 km)"),
        ("10|km|mi|frac=4", "10 kilometres (6 1/4 mi)"),
        ("52|mi|km|round=5", "52 miles (85 km)"),
        ("10000|km|mi|comma=off", "10000 kilometres (6200 mi)"),
        ("6|ft|m|spell=In", "Six feet (1.8 m)"),
        ("100|acre|ha sqmi", "100 acres (40 ha; 0.16 sq mi)"),
    ],
)
def test_a_conversion_takes_the_form_that_is_asked_for(arguments: str, text: str):
    assert shown(arguments) == text


def test_cvt_is_convert_with_symbols():
    assert shown("10|x|20|ft|m", "cvt") == "10 ft × 20 ft (3.0 m × 6.1 m)"


@pytest.mark.parametrize(
    "arguments", ["", "x|mi|km", "5|furble|km", "5|mi|kg", "5|mi|km|disp=unit", "1e99|mi|km", "5", "0|mpgus|L/100 km", "5/0|in|mm"]
)
def test_a_conversion_that_is_not_understood_is_lost(arguments: str):
    assert plain_text(f"It is {{{{convert|{arguments}}}}} long. Kept.", set(), ()) == "Kept."
