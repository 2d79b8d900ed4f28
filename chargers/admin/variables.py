"""The settings of one charger: what it reported, what is wanted of it, and asking it."""

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponseRedirect
from django.urls import path, reverse

from chargers.models import Learning, Protocol, Variable
from chargers.services import commands, device_model
from csms.forms import StyledForm

VARIABLES_A_PAGE = 100
REPORTS_SHOWN = 5
LONGEST_VALUE = 2500


class WishForm(StyledForm):
    """What a variable is to be; what the service refuses becomes an error of the form."""

    value = forms.CharField(
        required=False, max_length=LONGEST_VALUE, strip=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args, variable, **kwargs):
        super().__init__(*args, **kwargs)
        self.variable = variable
        if variable is not None and variable.is_secret:
            self.fields["value"].widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})

    def place(self):
        row = self.variable
        names = (
            "component",
            "component_instance",
            "evse_id",
            "connector_id",
            "name",
            "instance",
            "attribute",
        )
        return {name: getattr(row, name) for name in names}

    def want(self, charger, user):
        """Want it; say whether it was taken."""
        wish = self.place() | {"value": self.cleaned_data["value"]}
        try:
            device_model.want(charger, [wish], user=user, origin="admin")
        except device_model.Refused as refusal:
            self.add_error(refusal.field if refusal.field in self.fields else None, refusal.message)
            return False
        return True


class NewWishForm(WishForm):
    """Names a variable that the charger has not reported."""

    component = forms.CharField(required=False, max_length=50)
    evse_id = forms.IntegerField(
        label="EVSE", required=False, min_value=0, max_value=1000, help_text="Empty: the whole station."
    )
    name = forms.CharField(max_length=50)
    instance = forms.CharField(required=False, max_length=50)
    field_order = ["component", "evse_id", "name", "instance", "value"]

    def __init__(self, *args, charger, **kwargs):
        super().__init__(*args, variable=None, **kwargs)
        if charger.protocol != Protocol.OCPP201:
            for name in ("component", "evse_id", "instance"):
                del self.fields[name]
            self.fields["name"].label = "Key"

    def place(self):
        return {name: self.cleaned_data[name] for name in self.fields if name != "value"}


class VariablePages:
    """Mixed into ChargerPages: the tab Variables and the page of each of them."""

    def variable_urls(self):
        wrap, names = self.admin_site.admin_view, "chargers_charger"
        return [
            path("<int:pk>/variables/read/", wrap(self.read_view), name=f"{names}_read"),
            path("<int:pk>/variables/new/", wrap(self.new_wish_view), name=f"{names}_wish"),
            path("<int:pk>/variables/<int:number>/", wrap(self.variable_view), name=f"{names}_variable"),
        ]

    def _variables(self, request, charger):
        # PostgreSQL takes no NUL.
        query = request.GET.get("q", "").replace("\0", "\N{REPLACEMENT CHARACTER}").strip()
        is_wanted = bool(request.GET.get("wanted"))
        rows = charger.variables.filter(name__icontains=query) if query else charger.variables.all()
        page = Paginator(rows.wanted() if is_wanted else rows, VARIABLES_A_PAGE).get_page(
            request.GET.get("p")
        )
        return {
            "variables": page,
            "query": query,
            "only_wanted": is_wanted,
            "learning": Learning.objects.filter(charger=charger).first(),
            "reports": charger.reports.filter(kind="variables").select_related("command")[:REPORTS_SHOWN],
        }

    def variable_view(self, request, pk, number):
        """Show a variable; want a value of it, forget that, try it again, watch it, read it."""
        charger = self.found(request, pk)
        row = charger.variables.filter(pk=number).select_related("desired_by", "command").first()
        if row is None:
            raise Http404(f"There is no variable {number} of {charger}.")
        form = WishForm(None, variable=row, initial={"value": _proposed(row)})
        if request.method == "POST":
            form = WishForm(request.POST, variable=row)
            if not self._may_order(request, charger):
                raise Http404("This is not for you to order.")
            if self._act(request, charger, row, form):
                return HttpResponseRedirect(reverse("admin:chargers_charger_variables", args=[pk]))
        context = {**self._frame(request, charger, "variables"), "form": form, "variable": row}
        is_readable = row.mutability != Variable.Mutability.WRITE_ONLY
        context |= {
            "is_settable": row.mutability != Variable.Mutability.READ_ONLY,
            "is_readable": is_readable,
        }
        return self.page(request, "admin/chargers/charger/variable.html", f"{row}: {charger}", **context)

    def _act(self, request, charger, row, form):
        """Do what the button says; say whether that is done."""
        button = request.POST.get("do")
        if button in _BUTTONS:
            _BUTTONS[button](request, row)
            return True
        if button == "read":
            return self._read(request, charger, [row])
        return form.is_valid() and form.want(charger, request.user) and _say_kept(request, row)

    def new_wish_view(self, request, pk):
        """Want a value of a variable that the charger has not told of."""
        charger = self.found(request, pk)
        if not self._may_order(request, charger):
            raise Http404("This is not for you to order.")
        form = NewWishForm(request.POST or None, charger=charger)
        if request.method == "POST" and form.is_valid() and form.want(charger, request.user):
            _say_kept(request, form.cleaned_data["name"])
            return HttpResponseRedirect(reverse("admin:chargers_charger_variables", args=[pk]))
        context = {**self._frame(request, charger, "variables"), "form": form}
        return self.page(request, "admin/chargers/charger/wish.html", f"Want a value: {charger}", **context)

    def read_view(self, request, pk):
        """Ask the charger for all of its variables."""
        charger = self.found(request, pk)
        if not self._may_order(request, charger):
            raise Http404("This is not for you to order.")
        if request.method == "POST":
            self._read(request, charger, [])
        return HttpResponseRedirect(reverse("admin:chargers_charger_variables", args=[pk]))

    def _read(self, request, charger, rows):
        try:
            device_model.read(charger, rows, origin="admin", user=request.user)
        except commands.NotConnected:
            messages.error(request, "The charger is not connected. Try again when it is online.")
        except commands.Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, "The charger was asked; what it answers appears here.")
        return True


def _proposed(row):
    if row.is_secret:
        return ""
    return row.value if row.desired_value is None else row.wish


def _say_kept(request, name):
    messages.success(request, f"{name} is wanted so; it is delivered once the charger is online and quiet.")
    return True


def _forget(request, row):
    if device_model.forget(row):
        messages.success(request, f"Nothing more is wanted of {row}; the charger keeps what it has.")


def _retry(request, row):
    if device_model.retry(row):
        messages.success(request, f"{row} is delivered again.")


def _watch(request, row):
    device_model.monitor(row, is_monitored=not row.is_monitored)
    messages.success(request, f"{row} is {'watched' if row.is_monitored else 'watched no more'}.")


_BUTTONS = {"forget": _forget, "retry": _retry, "watch": _watch}
