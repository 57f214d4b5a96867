"""Forms as the console shows them, with the classes of Tabler and what a screen reader needs."""

from html import escape
from typing import Any, ClassVar

from django import forms
from django.forms.utils import flatatt
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.scope import active
from minewatch.office.platform.selectors import regions_near


class LongSelect(forms.Select):
    """A choice among hundreds, written at once: Django loads a template for each option."""

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: Any = None,  # noqa: ARG002 - no template is rendered
    ) -> SafeString:
        """Return the element."""
        chosen = "" if value is None else str(value)
        options = "".join(_option(str(code), str(title), str(code) == chosen) for code, title in self.choices)
        attributes = flatatt(self.build_attrs(self.attrs, {**(attrs or {}), "name": name}))
        return mark_safe(f"<select{attributes}>{options}</select>")  # noqa: S308 - each part is escaped


def _option(code: str, title: str, is_chosen: bool) -> str:
    return f'<option value="{escape(code)}"{" selected" if is_chosen else ""}>{escape(title)}</option>'


_CLASSES: dict[type[forms.Widget], str] = {
    forms.Select: "form-select",
    LongSelect: "form-select",
    forms.SelectMultiple: "form-select",
    forms.CheckboxInput: "form-check-input",
    forms.CheckboxSelectMultiple: "form-check-input",
    forms.RadioSelect: "form-check-input",
}
_LEVELS_BELOW = 2


class OfficeForm(forms.Form):
    """A form of the console: ``{{ form }}`` shows it."""

    template_name: ClassVar[str] = "web/form.html"
    required_css_class = "required"

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        for field in self.fields.values():
            if isinstance(field, RegionField):
                field.choices = regions_to_choose()  # asked once for each form, not whenever it is looked at
            kind = _CLASSES.get(type(field.widget), "form-control")
            field.widget.attrs.setdefault("class", kind)


class DayInput(forms.DateInput):
    """A day, chosen in the browser's calendar."""

    input_type = "date"

    def __init__(self, **named: Any) -> None:
        super().__init__(format="%Y-%m-%d", **named)


class RegionField(forms.ChoiceField):
    """A region of the account: its own, and those up to two levels below; the value is a code, or empty."""

    def __init__(self, **named: Any) -> None:
        named.setdefault("label", _("Region"))
        super().__init__(widget=LongSelect, **named)


def regions_to_choose() -> list[tuple[str, str]]:
    """Return codes and names of the regions near the account's own, indented by level."""
    rows = regions_near(active().region_path, _LEVELS_BELOW)
    least = min((depth for _code, _name, depth in rows), default=0)
    return [("", "—"), *((code, "\u3000" * (depth - least) + name) for code, name, depth in rows)]
