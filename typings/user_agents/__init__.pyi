class _Browser:
    family: str | None

class UserAgent:
    browser: _Browser
    is_bot: bool
    is_mobile: bool
    is_tablet: bool
    is_pc: bool

def parse(user_agent_string: str) -> UserAgent: ...
