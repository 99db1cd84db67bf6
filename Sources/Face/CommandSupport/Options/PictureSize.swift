internal import ArgumentParser

/// Width and height of a picture in pixels, as `--size` and `--resolution` take them.
///
/// Use it as `@Option(help: "…", transform: PictureSize.init(parsing:)) var size: PictureSize`.
public struct PictureSize: Sendable, Equatable, CustomStringConvertible {
  /// Pixels in a row.
  public let width: Int
  /// Rows.
  public let height: Int

  /// A size that is known to be possible.
  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  /// Reads `1024x768` (width first), or `512` for a square.
  ///
  /// Both families cut latents of 8 × 8 pixels into tokens of 2 × 2, so that both sides are
  /// multiples of 16; more than 100 million pixels are refused.
  public init(parsing text: String) throws {
    let side = Int(text)
    let sides =
      side.map { [$0, $0] } ?? text.split(whereSeparator: { "xX×".contains($0) }).map { Int($0) }
    guard sides.count == 2, let width = sides[0], let height = sides[1], width > 0, height > 0
    else {
      throw ValidationError("expected WIDTHxHEIGHT, such as 1024x768, or 512 for a square")
    }
    let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, pixels <= 100_000_000 else {
      throw ValidationError("expected at most 100 million pixels")
    }
    guard width.isMultiple(of: 16), height.isMultiple(of: 16) else {
      let near = PictureSize(width: roundedToTokens(width), height: roundedToTokens(height))
      throw ValidationError("expected multiples of 16, such as \(near)")
    }
    self.init(width: width, height: height)
  }

  /// Packed image tokens: one for 16 × 16 pixels.
  public var tokens: Int { width / 16 * (height / 16) }

  /// `1024x768`.
  public var description: String { "\(width)x\(height)" }
}

private func roundedToTokens(_ pixels: Int) -> Int { max(16, (pixels + 8) / 16 * 16) }
