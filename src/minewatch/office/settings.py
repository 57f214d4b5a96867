"""Django's settings of an office; what differs from place to place stands in its ``office.toml``."""

from datetime import timedelta
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF

from minewatch.office.home import home, origins

_FOLDER = Path(__file__).parent
_HOME = home()
_SAID = _HOME.said
_BEHIND_TLS = bool(_SAID.get("behind_tls", False))

SECRET_KEY = _HOME.secret_key()
DEBUG = False
ALLOWED_HOSTS = _SAID.get("hosts", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = _SAID.get("origins", [])

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "axes",
    "csp",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "ninja",  # for the scripts of the interface's page alone
    "rules",
    "treebeard",
    "minewatch.office.platform",
    "minewatch.office.register",
    "minewatch.office.intake",
    "minewatch.office.verify",
    "minewatch.office.verify.inspections",
    "minewatch.office.web",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "minewatch.office.web.middleware.Doorkeeper",
    "minewatch.office.web.api.gate.Gate",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "minewatch.office.web.urls"
WSGI_APPLICATION = "minewatch.office.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": False,
        "OPTIONS": {
            # the office's own templates come before those that the libraries bring
            "loaders": [
                ("django.template.loaders.filesystem.Loader", [_FOLDER / "web" / "templates"]),
                "django.template.loaders.app_directories.Loader",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "minewatch.office.web.context.of_every_page",
            ],
        },
    }
]
AUTH_USER_MODEL = "platform.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "minewatch.office.platform.permissions.RoleBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": "minewatch.office.platform.passwords.KindsOfCharacters"},
    {"NAME": "minewatch.office.platform.passwords.NotUsedBefore"},
]

LOGIN_URL, LOGIN_REDIRECT_URL = "account_login", "home"
ACCOUNT_ADAPTER = "minewatch.office.web.adapters.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "minewatch.office.web.adapters.ForeignAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = False
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Minewatch 清矿"
USERSESSIONS_TRACK_ACTIVITY = False  # the doorkeeper does, once a minute
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "APPS": [
            {
                "provider_id": name,
                "name": said["name"],
                "client_id": said["client_id"],
                "secret": said["secret"],
                "settings": {"server_url": said["server_url"]},
            }
            for name, said in _SAID.get("oidc", {}).items()
        ]
    }
}
# failures are counted by axes, in the database
ACCOUNT_RATE_LIMITS = {"login_failed": None}
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=30)
# by account, as GB/T 22239-2019 8.1.4.1 wants; by address a whole agency behind one NAT would be locked out
AXES_LOCKOUT_PARAMETERS = ["username"]
SILENCED_SYSTEM_CHECKS = ["axes.W006"]
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "minewatch.office.web.adapters.name_tried"
AXES_LOCKOUT_TEMPLATE = "account/locked.html"
AXES_VERBOSE = False
PASSWORD_DAYS = int(_SAID.get("password_days", 90))
SECOND_FACTOR = _SAID.get("second_factor", "required")
TOKEN_DAYS = int(_SAID.get("token_days", 365))
API_PER_MINUTE = int(_SAID.get("api_per_minute", 300))
API_PER_MINUTE_WITHOUT_TOKEN = int(_SAID.get("api_per_minute_without_token", 30))
FINDINGS_MB = int(_SAID.get("findings_mb", 500))
WEBHOOK_HOSTS = frozenset(_SAID.get("webhook_hosts", []))
WEBHOOK_RETRY_S = float(_SAID.get("webhook_retry_s", 10))

STATIC_URL = "static/"
STATIC_ROOT = _HOME.folder / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "style-src": [SELF, "'unsafe-inline'"],
        "frame-ancestors": [NONE],
        # a form that is answered by a redirect to the provider counts as sent there
        "form-action": [SELF, *origins(_SAID.get("oidc", {}))],
        "base-uri": [NONE],
    }
}

DATABASES = {"default": dj_database_url.parse(_HOME.database_url, conn_max_age=60, conn_health_checks=True)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # a writer asks for the lock at once and waits for it, instead of failing when it turns to writing
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    # pages ask short questions, for which compiling a plan costs more than it saves
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("options", "-c jit=off")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]

SESSION_COOKIE_AGE = 60 * int(_SAID.get("idle_minutes", 30))
SESSION_SAVE_EVERY_REQUEST = False  # the doorkeeper lets a session in use live on, once a minute
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _BEHIND_TLS
SESSIONS_OF_AN_ACCOUNT = int(_SAID.get("sessions", 2))
SECURE_HSTS_SECONDS = 31_536_000 if _BEHIND_TLS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _BEHIND_TLS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
