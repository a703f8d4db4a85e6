"""The visit record's common body: what the schemes' forms ask of every visit.

Source: 粤民发〔2023〕95号 附件2 and its siblings in the other regions (policy digest: "Common to
all"). Who visited, when, how and for the how-manieth time stand in the visit itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from core.errors import InvalidInput

MAX_EXTRA = 8192

_FORM_WORDS = {
    "无变化": "unchanged",
    "较好": "better",
    "转好": "better",
    "较差": "worse",
    "严重": "worse",
    "增加": "more",
    "减少": "fewer",
    "安全": "safe",
    "较安全": "fairly_safe",
    "不安全": "unsafe",
}


def _from_form(value: Any) -> Any:
    """The form's own word for a grade is as good as ours."""
    return _FORM_WORDS.get(value, value) if isinstance(value, str) else value


Change = Annotated[Literal["unchanged", "better", "worse"], BeforeValidator(_from_form)]
Count = Annotated[Literal["unchanged", "more", "fewer"], BeforeValidator(_from_form)]
Safety = Annotated[Literal["safe", "fairly_safe", "unsafe"], BeforeValidator(_from_form)]
Words = Annotated[str, StringConstraints(max_length=4000)]
Short = Annotated[str, StringConstraints(max_length=200)]


class VisitRecord(BaseModel):
    """Every field is optional. What a region asks beyond these is kept under `extra`."""

    model_config = ConfigDict(
        str_strip_whitespace=True,
        json_schema_extra={
            "examples": [
                {
                    "members": "unchanged",
                    "mobility": "worse",
                    "illness": "unchanged",
                    "mood": "better",
                    "gas_safety": "safe",
                    "electricity_safety": "fairly_safe",
                    "needs": "浴室扶手",
                    "advice": "联系适老化改造",
                    "satisfaction": "satisfied",
                }
            ]
        },
    )

    members: Count | None = None  # 家庭人口
    members_by: Annotated[int | None, Field(ge=1, le=50)] = None  # 增加/减少 _ 人
    expression: Change | None = None  # 表达能力
    mobility: Change | None = None  # 行动能力
    illness: Change | None = None  # 疾病状况
    illness_name: Short | None = None
    mood: Change | None = None  # 情绪状态
    gas_safety: Safety | None = None  # 燃气
    water_heating_safety: Safety | None = None  # 水暖
    electricity_safety: Safety | None = None  # 用电
    personal_hygiene: Change | None = None  # 个人卫生
    home_hygiene: Change | None = None  # 家庭卫生
    indoor_environment: Change | None = None  # 室内环境
    needs: Words | None = None  # 服务需求
    advice: Words | None = None  # 实施关爱服务建议
    care_given: Words | None = None  # 关爱服务情况
    satisfaction: Short | None = None  # 满意度
    visited_person: Short | None = None  # 被探访人（签字）
    entered_by: Short | None = None  # 信息录入人
    extra: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _keep_the_rest(cls, data: Any) -> Any:
        """Regions' forms differ; a field this version does not know is kept, not refused."""
        if not isinstance(data, dict):
            return data
        extra = data.get("extra", {})
        unknown = {key: value for key, value in data.items() if key not in cls.model_fields}
        if not unknown or not isinstance(extra, dict):
            return data
        known = {key: value for key, value in data.items() if key in cls.model_fields}
        return known | {"extra": {**unknown, **extra}}

    @model_validator(mode="after")
    def _bounded(self) -> VisitRecord:
        if len(json.dumps(self.extra, ensure_ascii=False)) > MAX_EXTRA:
            raise ValueError(f"fields beyond the common ones may have {MAX_EXTRA} characters")
        return self

    def stored(self) -> dict[str, Any]:
        """What was answered, and nothing else."""
        return self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def record_of(given: Mapping[str, Any]) -> VisitRecord:
    """A record from a form or another program; raises `InvalidInput` naming `record.FIELD`."""
    try:
        return VisitRecord.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(["record", *map(str, first["loc"])])
        raise InvalidInput(place, first["msg"].removeprefix("Value error, ")) from error
