public import Failures

/// Why pictures can't be drawn.
public enum SamplingError: Error, Equatable {
  /// An adapter has modules that the model lacks or has in another shape; of these both shapes are said.
  case adapterDoesNotFit(source: String, moduleCount: Int, misfits: [String])
  /// Two adapters declare different schedules.
  case schedulesDiffer(first: String, second: String)
  /// A value that was given can't be used.
  case invalid(source: String, expected: String, found: String)
  /// The model's output is not finite.
  case notFinite(step: Int, sigma: Float, tensor: String?)
}

extension SamplingError: ClassifiedError, CustomStringConvertible {
  /// One line: what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .adapterDoesNotFit(let source, let moduleCount, let misfits):
      "\(source): \(misfits.count) of \(moduleCount) modules don't fit the model: "
        + misfits.prefix(10).joined(separator: ", ")
        + (misfits.count > 10 ? " and \(misfits.count - 10) more" : "")
        + "; glance-inspect --against shows what differs"
    case .schedulesDiffer(let first, let second):
      "\(second): declares another schedule than \(first); choose one with --schedule"
    case .invalid(let source, let expected, let found):
      "\(source): expected \(expected), found \(found)"
    case .notFinite(let step, let sigma, let tensor):
      "step \(step + 1), sigma \(sigma): the velocity is not finite"
        + (tensor.map { "; tensor '\($0)' of the transformer holds NaN or infinity" }
          ?? "; is the latent or an adapter damaged?")
    }
  }

  /// Wrong data, but for the options.
  public var failureKind: FailureKind {
    switch self {
    case .adapterDoesNotFit, .notFinite: .wrongData
    case .schedulesDiffer, .invalid: .usage
    }
  }
}
