public import Failures

extension SafetensorsError: ClassifiedError {
  /// What went wrong in general.
  public var failureKind: FailureKind {
    switch kind {
    case .inputMissing: .inputMissing
    case .dataWrong: .wrongData
    case .outputRefused: .outputRefused
    case .inputOutput: .inputOutput
    case .unavailable: .unavailable
    case .internalMistake: .internalMistake
    }
  }
}
