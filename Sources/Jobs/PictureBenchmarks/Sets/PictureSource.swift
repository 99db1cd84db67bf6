public import Pictures

/// A picture that is wanted.
public struct WantedPicture: Sendable, Equatable {
  /// What to draw.
  public let prompt: String
  /// What its noise is made from.
  public let seed: UInt64
}

/// What draws the pictures of a set.
public protocol PictureSource {
  /// Draws pictures in turn.
  ///
  /// - Parameters:
  ///   - wanted: the pictures.
  ///   - handle: called with the place of each in the list and the picture; may throw to stop.
  /// - Throws: what drawing and `handle` throw.
  func draw(_ wanted: [WantedPicture], _ handle: (Int, Picture) throws -> Void) throws
}
