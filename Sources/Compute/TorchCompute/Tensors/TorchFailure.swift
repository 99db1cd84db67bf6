internal import CTorch

/// What PyTorch says of a call that failed; one line.
struct TorchFailure: Error, CustomStringConvertible {
  let description: String

  /// The last failure of this thread.
  static var last: TorchFailure {
    TorchFailure(description: unsafe String(cString: ct_error()))
  }

  /// Without what is guessed about the reason behind it.
  var firstSentence: String {
    description.firstRange(of: ". ").map { String(description[..<$0.lowerBound]) } ?? description
  }
}
