internal import Drawing
internal import Failures
public import JSON
internal import Schedules
internal import SystemPackage

/// What programs read: `glance-eval/1`, docs/evaluation.md.
extension EvaluationResults {
  /// Everything but the single pictures, which are in ``csv``.
  public var json: JSONValue {
    let request = plan.request
    var object: JSONObject = ["format": "glance-eval/1", "version": .string(toolkitVersion)]
    for member in request.identity.members { object[member.key] = member.value }
    let rest: JSONObject = [
      "resamples": .integer(Int64(request.resamples)),
      "clip_model": request.clip.map { .string($0.lastComponent?.string ?? $0.string) } ?? .null,
      "latent_range": .number(latentRange),
      "frechet_features": .integer(Int64(featureCount)),
      "arms": .array(arms.indices.map(json)),
    ]
    for member in rest.members { object[member.key] = member.value }
    return .object(object)
  }

  private func json(_ index: Int) -> JSONValue {
    let (arm, figures) = (arms[index].arm, figures[index])
    var object: JSONObject = [
      "name": .string(arm.name), "role": .string(arm.role.rawValue),
      "runs": .array(
        arm.runs.map {
          [
            "latents": .string("latents/\($0.fileName).safetensors"),
            "pictures": .string("pictures/\($0.fileName)"),
          ]
        }),
      "passes": .integer(Int64(arm.plan.passesPerPicture)),
      "steps": .integer(Int64(arm.plan.walk.steps.count)),
      "seconds_per_picture": .number(arms[index].secondsPerPicture),
      "settings": .object(arm.plan.settings),
      "figures": Self.json(figures.figures),
    ]
    object["frechet"] = figures.frechet.map {
      [
        "distance": .number($0.value), "means": .number($0.ofMeans),
        "covariances": .number($0.ofCovariances), "enough_pictures": .bool($0.hasEnoughPictures),
      ]
    }
    object["against_plain"] = .array(
      figures.differences.map { baseline, differences in
        [
          "arm": .string(arms[baseline].arm.name),
          "passes": .integer(Int64(arms[baseline].arm.plan.passesPerPicture)),
          "figures": Self.json(differences),
        ]
      })
    return .object(object)
  }

  private static func json(_ figures: [Measure: Estimate]) -> JSONValue {
    var object = JSONObject()
    for measure in Measure.allCases {
      guard let estimate = figures[measure] else { continue }
      object[measure.rawValue] = [
        "value": .number(estimate.value),
        "low": estimate.interval.map { .number($0.lowerBound) } ?? .null,
        "high": estimate.interval.map { .number($0.upperBound) } ?? .null,
      ]
    }
    return .object(object)
  }
}

extension EvaluationRequest {
  /// What every picture depends on, by the keys of the results: those of another can't be compared.
  public var identity: JSONObject {
    [
      "model": .string(model.lastComponent?.string ?? model.string),
      "size": .string("\(width)x\(height)"),
      "prompts": .array(prompts.map { .string($0.text) }),
      "seeds": .integer(Int64(seeds)), "seed": .string("\(seed)"),
    ]
  }
}
