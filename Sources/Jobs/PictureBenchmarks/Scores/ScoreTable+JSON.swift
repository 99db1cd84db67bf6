public import JSON

extension ScoreTable {
  /// The whole table: version 1, formats/benchmarks.md.
  public var json: JSONValue {
    [
      "format": "glance-scores/1", "teacher": .string(teacher),
      "arms": .array(arms.map { .string($0.name) }),
      "scores": .array(measures.map(json)),
    ]
  }

  private func json(_ measure: Measure) -> JSONValue {
    var object: JSONObject = [
      "benchmark": .string(measure.benchmark), "metric": .string(measure.metric),
      "overall": .bool(measure.isOverall), "lower_is_better": .bool(measure.isDistance),
      "values": .object(numbers { score($0, measure) }),
      "ratios": .object(numbers { ratio($0, measure) }),
    ]
    object["published"] = publishedRatio(measure).map {
      ["name": .string($0.name), "ratio": .number($0.ratio)]
    }
    return .object(object)
  }

  private func numbers(_ number: (String) -> Double?) -> JSONObject {
    JSONObject(
      arms.map { arm in
        JSONObject.Member(key: arm.name, value: number(arm.name).map { .number($0) } ?? .null)
      })
  }
}
