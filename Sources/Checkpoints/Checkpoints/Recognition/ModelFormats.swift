internal import Concurrency

/// The data by which nearly every checkpoint is recognised.
public enum ModelFormats {
  /// Has another thread read them, for whoever asks for them soon: a command that parses its options first.
  public static func readAhead() {
    Background.start {
      _ = ModelFamily.all
      _ = WrapperSegments.shared
    }
  }
}
