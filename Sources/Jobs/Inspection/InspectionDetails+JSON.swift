internal import Adapters
internal import Elements
internal import JSON
internal import SystemPackage

/// What was asked about besides, for programs: formats/inspection.md.
extension InspectionDetails {
  func add(to object: inout JSONObject) {
    if let loading { object["loader"] = loading.json }
    switch fit {
    case .adapter(let fit): object["against"] = fit.json
    case .checkpoint(let fit): object["against"] = fit.json
    case nil: break
    }
    switch difference {
    case .adapters(let difference): object["diff"] = difference.json
    case .checkpoints(let comparison): object["diff"] = comparison.json
    case nil: break
    }
  }
}

extension TensorStatistics {
  var json: JSONValue {
    [
      "min": JSONValue(minimum), "max": JSONValue(maximum), "mean": JSONValue(mean),
      "std": JSONValue(standardDeviation), "zeros": JSONValue(count: zeroCount),
      "nan": JSONValue(count: nanCount), "inf": JSONValue(count: infinityCount),
      "below_2^-6": JSONValue(count: smallCount),
      "histogram": .array(histogram.map(JSONValue.init(count:))),
    ]
  }
}

extension LoaderSimulation {
  fileprivate var json: JSONValue {
    [
      "name": .string(loader), "title": .string(title), "modules": JSONValue(count: moduleCount),
      "loaded": JSONValue(count: loadedCount), "refusal": refusal.map(JSONValue.string) ?? .null,
      "scales": .array(
        scales.map { scale in
          [
            "scale": .number(scale.scale), "modules": JSONValue(count: scale.moduleCount),
            "targets": .array(scale.targets.map(JSONValue.string)),
          ]
        }),
      "ignored_keys": JSONValue(count: ignoredKeyCount),
      "ignored": .array(
        ignored.map { reason, keys in
          ["reason": .string(reason), "keys": .array(keys.map(JSONValue.string))]
        }),
      "warnings": .array(warnings.map(JSONValue.string)),
    ]
  }
}

extension AdapterFit {
  fileprivate var json: JSONValue {
    [
      "base": .string(base.string), "base_title": .string(baseTitle), "fits": .bool(fits),
      "made_for": madeFor.map(JSONValue.string) ?? .null,
      "faults": .array(faults.map(JSONValue.string)),
      "coverage": .array(
        coverages.map { phase, coverage in
          var object = coverage.json
          object["phase"] = phase.map(JSONValue.string) ?? .null
          return .object(object)
        }),
      "text_encoders": .array(
        textEncoders.map { component, coverage in
          var object = coverage.json
          object["component"] = .string(component)
          return .object(object)
        }),
      "absent_text_encoders": .array(absentTextEncoders.map(JSONValue.string)),
    ]
  }
}

extension AdapterCoverage {
  fileprivate var json: JSONObject {
    [
      "matched": JSONValue(count: matchedCount), "modules": JSONValue(count: moduleCount),
      "adaptable": JSONValue(count: adaptableCount),
      "target_preset": targetPreset.map(JSONValue.string) ?? .null,
      "unknown": .array(unknown.map(JSONValue.string)),
      "wrong_shape": .array(
        wrongShape.map { mismatch in
          [
            "module": .string(mismatch.path),
            "found": .array(mismatch.found.map(JSONValue.init(count:))),
            "expected": .array(mismatch.expected.map { $0.map(JSONValue.init(count:)) ?? .null }),
          ]
        }),
    ]
  }
}

extension CheckpointFit {
  fileprivate var json: JSONValue {
    [
      "base": .string(base.string), "fits": .bool(fits),
      "found": mismatch.map { .string($0.found) } ?? .null,
      "expected": mismatch.map { .string($0.expected) } ?? .null,
      "compared_by": isByModules ? "modules" : "names",
      "matched": JSONValue(count: matchedCount), "tensors": JSONValue(count: tensorCount),
      "missing": .array(missing.map(\.json)), "extra": .array(extra.map(\.json)),
      "wrong_shape": .array(wrongShape.map { pairJSON($0.found, $0.expected) }),
      "other_dtype": .array(otherDType.map { pairJSON($0.found, $0.expected) }),
    ]
  }
}

extension CheckpointComparison {
  fileprivate var json: JSONValue {
    [
      "kind": "tensors", "other": .string(other.string), "identical": .bool(isIdentical),
      "same_numbers": .bool(hasSameNumbers), "compared_by": isByModules ? "modules" : "names",
      "identical_tensors": JSONValue(count: identicalCount),
      "added": .array(added.map(\.json)), "removed": .array(removed.map(\.json)),
      "changed": .array(
        changed.map { change in
          var entry = pairObject(change.side, change.other)
          entry["difference"] = change.difference?.json ?? .null
          return .object(entry)
        }),
      "stored_otherwise": .array(storedOtherwise.map { pairJSON($0.side, $0.other) }),
      "total": total?.json ?? .null,
      "notes": .array(notes.map(JSONValue.string)),
    ]
  }
}

extension TensorDifference {
  fileprivate var json: JSONValue {
    [
      "max": .number(maximum), "norm": .number(norm), "relative": JSONValue(relative),
      "unequal": JSONValue(count: unequalCount), "elements": JSONValue(count: elementCount),
      "not_finite": JSONValue(count: notFiniteCount),
    ]
  }
}

extension CheckpointComparison.Side {
  fileprivate var object: JSONObject {
    [
      "name": .string(name), "dtype": .string(encoding), "scaled": .bool(isScaled),
      "shape": .array(shape.map(JSONValue.init(count:))),
    ]
  }
  fileprivate var json: JSONValue { .object(object) }
}

private func pairObject(
  _ side: CheckpointComparison.Side, _ other: CheckpointComparison.Side
) -> JSONObject {
  var object = side.object
  object["other_dtype"] = .string(other.encoding)
  object["other_scaled"] = .bool(other.isScaled)
  object["other_shape"] = .array(other.shape.map(JSONValue.init(count:)))
  return object
}

private func pairJSON(
  _ side: CheckpointComparison.Side, _ other: CheckpointComparison.Side
) -> JSONValue {
  .object(pairObject(side, other))
}

extension AdapterDifference {
  fileprivate var json: JSONValue {
    [
      "kind": "adapters", "other": .string(other.string), "identical": .bool(isIdentical),
      "only_here": .array(onlyInFirst.map(JSONValue.string)),
      "only_in_other": .array(onlyInOther.map(JSONValue.string)),
      "experts": .array(
        comparisons.map { phase, comparison in
          [
            "phase": phase.map(JSONValue.string) ?? .null,
            "norm": .number(comparison.total.normA),
            "other_norm": .number(comparison.total.normB),
            "difference_norm": .number(comparison.total.differenceNorm),
            "cosine": JSONValue(comparison.total.cosine),
            "only_here": .array(comparison.onlyInA.map(JSONValue.string)),
            "only_in_other": .array(comparison.onlyInB.map(JSONValue.string)),
            "different_shapes": .array(comparison.differentShapes.map(JSONValue.string)),
            "modules": .array(
              comparison.modules.map { module in
                [
                  "module": .string(module.path), "norm": .number(module.normA),
                  "other_norm": .number(module.normB),
                  "difference_norm": .number(module.differenceNorm),
                  "cosine": JSONValue(module.cosine),
                ]
              }),
          ]
        }),
    ]
  }
}
