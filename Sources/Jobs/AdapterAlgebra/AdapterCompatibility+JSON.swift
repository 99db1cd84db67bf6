internal import Adapters
public import JSON

extension AdapterCompatibility {
  /// For programs: version 1 of `glance-merge --mode compare --json`.
  ///
  /// - Parameters:
  ///   - phases: of the two.
  ///   - sentence: the verdict for people.
  /// - Returns: one object.
  public func json(phases: [String?], sentence: String) -> JSONValue {
    let total = comparison.total
    return [
      "format": "glance-merge-compare/1", "verdict": .string(verdict.rawValue),
      "sentence": .string(sentence),
      "phases": .array(phases.map { $0.map { .string($0) } ?? .null }),
      "shared_modules": .integer(Int64(sharedModules.count)),
      "cosine": cosine.map { .number($0) } ?? .null,
      "norm_a": .number(total.normA), "norm_b": .number(total.normB),
      "difference": .number(total.differenceNorm),
      "shared_outputs": cosine == nil ? .null : .number(overlap.total.columns),
      "shared_inputs": cosine == nil ? .null : .number(overlap.total.rows),
      "modules": .array(
        overlap.modules.map {
          [
            "module": .string($0.path),
            "output_cosines": .array($0.columnCosines.map { .number($0) }),
            "input_cosines": .array($0.rowCosines.map { .number($0) }),
          ]
        }),
    ]
  }
}
