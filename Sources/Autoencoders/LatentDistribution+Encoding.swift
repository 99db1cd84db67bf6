internal import Compute

#if canImport(Glibc)
  internal import Glibc
#endif

extension LatentDistribution {
  /// The distribution in an encoder's output: means, then logarithms of variances.
  ///
  /// Source: huggingface/diffusers, `autoencoders/vae.py`, `DiagonalGaussianDistribution`.
  init(_ map: FeatureMap, normalisation: LatentNormalisation) {
    let channels = map.channels / 2
    rawMean = map.channelsFirst(0..<channels)
    var logVariance = map.channelsFirst(channels..<2 * channels)
    var deviation = logVariance
    for i in logVariance.elements.indices {
      logVariance.elements[i] = min(max(logVariance.elements[i], -30), 20)
      deviation.elements[i] = expf(0.5 * logVariance.elements[i])
    }
    rawLogVariance = logVariance
    mean = normalisation.normalise(rawMean)
    self.deviation = normalisation.scale(deviation)
  }
}
