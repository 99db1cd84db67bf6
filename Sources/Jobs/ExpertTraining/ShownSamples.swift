public import Pictures
internal import SystemPackage

extension ExpertPlan {
  /// The first samples as a run sees them: pictures upright, scaled and cut.
  ///
  /// - Parameter limit: the most that are wanted.
  /// - Returns: pictures, where there are any, and their captions.
  /// - Throws: when a picture can't be read.
  public func shownSamples(atMost limit: Int) throws -> [(picture: Picture?, caption: String)] {
    try request.samples.prefix(limit).map { sample in
      (try sample.image.map { try Picture(reading: $0, (width, height)) }, sample.caption)
    }
  }
}
