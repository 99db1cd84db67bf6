public import Failures
public import SystemPackage

/// Why a picture can't be encoded or a latent decoded.
public enum AutoencoderError: Error, Equatable {
  /// Pixels are not `[3, height, width]` with sizes that the autoencoder takes.
  case pictureShape(found: [Int], multiple: Int, pixelLimit: Int)
  /// A latent is not `[channels, height, width]` with even sizes.
  case latentShape(found: [Int], channels: Int, cellLimit: Int)
  /// A result is not finite, for what the input holds.
  case notFiniteInput
  /// A result is not finite, for what a tensor of the autoencoder holds.
  case notFiniteWeights(file: FilePath, tensor: String)
}

extension AutoencoderError: ClassifiedError, CustomStringConvertible {
  /// One line: what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .pictureShape(let found, let multiple, let pixelLimit):
      "picture: expected [3, height, width] with height and width multiples of \(multiple) and "
        + "at most \(pixelLimit) pixels, found \(found); scale or crop the picture"
    case .latentShape(let found, let channels, let cellLimit):
      "latent: expected [\(channels), height, width] with even height and width and at most "
        + "\(cellLimit) cells, found \(found)"
    case .notFiniteInput:
      "autoencoder: the result holds NaN or infinity though the weights are finite; "
        + "does the input hold them, or values far out of range?"
    case .notFiniteWeights(let file, let tensor):
      "\(file): tensor '\(tensor)': expected finite values, found NaN or infinity; "
        + "is the file damaged?"
    }
  }

  /// Inputs are there, and wrong.
  public var failureKind: FailureKind { .wrongData }
}
